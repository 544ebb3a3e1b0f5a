{{/* Kafka's place, and what streams through it. */}}

{{- define "matchday.checks.broker" -}}
{{- $kafka := .Values.kafka }}
{{- $topics := .Values.stream.topics }}
{{- if and $kafka.enabled $kafka.brokers }}
{{- fail "kafka.brokers is given while kafka.enabled starts one in the chart: set kafka.enabled=false to use yours, or drop kafka.brokers" }}
{{- end }}
{{- if and $kafka.enabled (ne $kafka.securityProtocol "PLAINTEXT") }}
{{- fail (printf "kafka.securityProtocol is %s, and the broker that kafka.enabled starts knows PLAINTEXT alone: drop it, or set kafka.enabled=false and give kafka.brokers" $kafka.securityProtocol) }}
{{- end }}
{{- if and $kafka.enabled (gt (int $topics.replication) 1) }}
{{- fail (printf "stream.topics.replication is %d, and kafka.enabled starts one broker: leave it at 0, or set kafka.enabled=false and give kafka.brokers" (int $topics.replication)) }}
{{- end }}
{{- end }}

{{- define "matchday.checks.stream" -}}
{{- $stream := .Values.stream }}
{{- if and $stream.enabled (not (include "matchday.kafka.brokers" .)) }}
{{- fail "stream.enabled reads events from Kafka, and there is none: give kafka.brokers, or for a trial set kafka.enabled=true" }}
{{- end }}
{{- if and $stream.live.enabled (not $stream.enabled) }}
{{- fail "stream.live.enabled writes events that nothing reads: set stream.enabled=true, or stream.live.enabled=false" }}
{{- end }}
{{- if and $stream.live.enabled (not (has "fpl" .Values.sources.names)) }}
{{- fail "stream.live.enabled asks the Fantasy Premier League, and sources.names does not have it: add fpl to sources.names, or set stream.live.enabled=false" }}
{{- end }}
{{- if $stream.enabled }}
{{- include "matchday.checks.stream.scale" . }}
{{- end }}
{{- end }}

{{- define "matchday.checks.stream.scale" -}}
{{- $stream := .Values.stream }}
{{- $scaling := $stream.autoscaling }}
{{- $fixed := eq $scaling.class "none" }}
{{- if and (not $fixed) (lt (int $scaling.maxReplicas) (int $stream.replicas)) }}
{{- fail (printf "stream.autoscaling.maxReplicas=%d is less than stream.replicas=%d: raise it" (int $scaling.maxReplicas) (int $stream.replicas)) }}
{{- end }}
{{- $key := $fixed | ternary "stream.replicas" "stream.autoscaling.maxReplicas" }}
{{- $most := $fixed | ternary $stream.replicas $scaling.maxReplicas | int }}
{{- if gt $most (int $stream.topics.partitions) }}
{{- fail (printf "%s is %d, and each topic has %d partitions (stream.topics.partitions): the pods over that would have nothing to do; lower it, or raise the partitions before there are events" $key $most (int $stream.topics.partitions)) }}
{{- end }}
{{- if eq $scaling.class "keda" }}
{{- include "matchday.checks.stream.keda" . }}
{{- end }}
{{- end }}

{{- define "matchday.checks.stream.keda" -}}
{{- if not (.Capabilities.APIVersions.Has "keda.sh/v1alpha1") }}
{{- fail "stream.autoscaling.class is keda, and KEDA is not in this cluster: install it, or use hpa. When rendering without a cluster, add --api-versions keda.sh/v1alpha1" }}
{{- end }}
{{- if and .Values.kafka.enabled .Values.networkPolicy.enabled (not .Values.networkPolicy.kafkaClients) }}
{{- fail "stream.autoscaling.class is keda, which asks the chart's Kafka from its own namespace, and the network policy does not let it in: name it in networkPolicy.kafkaClients, or use hpa" }}
{{- end }}
{{- if not .Values.kafka.tls.checkHostname }}
{{- fail "kafka.tls.checkHostname is false, which KEDA does not know: use stream.autoscaling.class=hpa, or give the brokers certificates that name their hosts" }}
{{- end }}
{{- end }}
