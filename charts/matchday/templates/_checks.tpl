{{/* What values can say that the schema cannot refuse: contradictions, and things that the cluster lacks. */}}

{{- define "matchday.checks" -}}
{{- include "matchday.checks.moved" . }}
{{- range list "redis" "database" "bucket" }}
{{- include "matchday.checks.store" (list . (get $.Values .)) }}
{{- end }}
{{- range $name, $model := include "matchday.models" . | fromYaml }}
{{- include "matchday.checks.model" (list $ $name $model) }}
{{- end }}
{{- include "matchday.checks.broker" . }}
{{- include "matchday.checks.kafka" .Values.kafka }}
{{- include "matchday.checks.stream" . }}
{{- include "matchday.checks.sources" .Values.sources }}
{{- include "matchday.checks.recurring" . }}
{{- include "matchday.checks.upgrade" . }}
{{- if .Values.pipelines.kfp.endpoint }}
{{- include "matchday.checks.runs" . }}
{{- end }}
{{- include "matchday.checks.rollouts.settings" . }}
{{- if .Values.rollouts.enabled }}
{{- include "matchday.checks.rollouts" . }}
{{- end }}
{{- end }}

{{/* A store is the chart's or yours: (list "redis" VALUES). */}}
{{- define "matchday.checks.store" -}}
{{- $name := index . 0 }}
{{- $store := index . 1 }}
{{- if and $store.enabled $store.url }}
{{- fail (printf "%s.url is given while %s.enabled starts one in the chart: set %s.enabled=false to use yours, or drop %s.url" $name $name $name $name) }}
{{- end }}
{{- if and (not $store.enabled) (not (and $store.url $store.existingSecret)) }}
{{- fail (printf "%s.enabled is false: give %s.url and %s.existingSecret, where yours is and what opens it" $name $name $name) }}
{{- end }}
{{- end }}

{{/* What secures Kafka's connections agrees with their protocol. */}}
{{- define "matchday.checks.kafka" -}}
{{- $login := hasPrefix "SASL" .securityProtocol }}
{{- $tls := hasSuffix "SSL" .securityProtocol }}
{{- if and $login (not .existingSecret) }}
{{- fail (printf "kafka.securityProtocol is %s, which needs a login: give kafka.existingSecret, a Secret with MATCHDAY_KAFKA_SASL_USERNAME and MATCHDAY_KAFKA_SASL_PASSWORD" .securityProtocol) }}
{{- end }}
{{- if and .existingSecret (not $login) (not .tls.clientSecret) }}
{{- fail (printf "kafka.existingSecret is given, and kafka.securityProtocol=%s has no login: use SASL_SSL or SASL_PLAINTEXT, or drop kafka.existingSecret" .securityProtocol) }}
{{- end }}
{{- if and (or .tls.caSecret .tls.clientSecret) (not $tls) }}
{{- fail (printf "kafka.tls names a Secret, and kafka.securityProtocol=%s does not encrypt: use SSL or SASL_SSL, or drop it" .securityProtocol) }}
{{- end }}
{{- end }}

{{/*
The migration before an upgrade reads the database's Secret, so the chart's own is there by then. Without a cluster to look
at, as in `helm template`, there is no list of Secrets, and nothing is said.
*/}}
{{- define "matchday.checks.upgrade" -}}
{{- $name := include "matchday.database.secret" . }}
{{- $own := and .Values.database.enabled (not .Values.database.existingSecret) }}
{{- if and .Release.IsUpgrade $own (not (lookup "v1" "Secret" .Release.Namespace $name)) }}
{{- if hasKey (lookup "v1" "Secret" .Release.Namespace "") "items" }}
{{- fail (printf "the Secret %s is not there, and a new password would not be the database's: in an upgrade leave fullnameOverride, nameOverride, database.enabled and database.existingSecret as they were" $name) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Runs read one Secret: the chart makes it whole, or you do. */}}
{{- define "matchday.checks.runs" -}}
{{- $own := printf "%s-credentials" (include "matchday.fullname" .) }}
{{- $secrets := list .Values.redis.existingSecret .Values.bucket.existingSecret .Values.mlflow.existingSecret }}
{{- if and (compact $secrets) (ne (uniq $secrets | join ",") $own) }}
{{- fail (printf "pipeline runs take all their credentials from one Secret, %s: with pipelines.kfp.endpoint, name that Secret in each of redis.existingSecret, bucket.existingSecret and mlflow.existingSecret, or in none of them" $own) }}
{{- end }}
{{- end }}
