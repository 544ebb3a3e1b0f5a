{{/* Peers and ports of the NetworkPolicies. */}}

{{/* The port of a URL. */}}
{{- define "matchday.port" -}}
{{- $url := urlParse . }}
{{- $usual := dict "http" "80" "https" "443" "redis" "6379" "rediss" "6379" "postgresql" "5432" }}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (get $usual $url.scheme) }}
{{- end }}

{{/* Pods of the chart, by component: (list . "mlflow" "job"). */}}
{{- define "matchday.peer" -}}
- podSelector:
    matchLabels:
      {{- include "matchday.selector" (first .) | nindent 6 }}
    matchExpressions:
      - key: app.kubernetes.io/component
        operator: In
        values:
          {{- toYaml (rest .) | nindent 10 }}
{{- end }}

{{/* Those of some parts that this release has, as YAML: (list . "rollout" "recurring"). */}}
{{- define "matchday.parts.there" -}}
{{- $root := first . }}
{{- $recurring := and (include "matchday.recurring" $root | fromYaml) (not $root.Values.pipelines.kfp.endpoint) }}
{{- $there := dict "rollout" $root.Values.rollouts.enabled "recurring" $recurring }}
{{- $_ := set $there "stream" (include "matchday.streams" $root) }}
{{- $_ := set $there "stream-live" (include "matchday.streams.live" $root) }}
{{- range rest . }}
{{- if get $there . }}
- {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{/* The pods of pipeline runs, which are Kubeflow's and not the chart's. */}}
{{- define "matchday.peer.runs" -}}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ include "matchday.runs" . }}
  podSelector:
    matchExpressions:
      - key: pipeline/runid
        operator: Exists
{{- end }}

{{/*
The ports to open for what is not the chart's, as YAML: those of networkPolicy.podPorts, else those of its URLs.
(list . "bucket" URL...)
*/}}
{{- define "matchday.egress.ports" -}}
{{- $ports := get (index . 0).Values.networkPolicy.podPorts (index . 1) | default list }}
{{- if not $ports }}
{{- range slice . 2 }}
{{- $ports = append $ports (include "matchday.port" . | int) }}
{{- end }}
{{- end }}
{{- uniq $ports | toYaml }}
{{- end }}

{{/* A way out to a store: to its pods, or to wherever its URL's port is. (list . "redis" 6379) */}}
{{- define "matchday.egress" -}}
{{- $root := index . 0 }}
{{- $name := index . 1 }}
{{- $store := get $root.Values $name }}
{{- if $store.enabled -}}
- ports:
    - port: {{ index . 2 }}
  to:
    {{- include "matchday.peer" (list $root $name) | nindent 4 }}
{{- else }}
{{- include "matchday.egress.url" (list $root $name $store.url) }}
{{- end }}
{{- end }}

{{/* A way out to what is not the chart's, by port alone: a policy knows no names. (list . "bucket" URL...) */}}
{{- define "matchday.egress.url" -}}
- ports:
    {{- range include "matchday.egress.ports" . | fromYamlArray }}
    - port: {{ . }}
    {{- end }}
{{- end }}

{{/*
What the policies open of each store that is yours, as JSON: for the sentence of a Job that does not reach it. Nothing where
there are no policies, or no such stores.
*/}}
{{- define "matchday.egress.opened" -}}
{{- $opened := dict }}
{{- $urls := dict "kfp" .Values.pipelines.kfp.endpoint }}
{{- range list "redis" "database" "bucket" }}
{{- $store := get $.Values . }}
{{- $_ := set $urls . ($store.enabled | ternary "" $store.url) }}
{{- end }}
{{- range $name, $url := $urls }}
{{- if $url }}
{{- $ports := include "matchday.egress.ports" (list $ $name $url) | fromYamlArray }}
{{- $address := printf "%s://%s" (urlParse $url).scheme (regexReplaceAll ":[0-9]+$" (urlParse $url).host "") }}
{{- $_ := set $opened $name (dict "address" $address "ports" $ports) }}
{{- end }}
{{- end }}
{{- if and $opened .Values.networkPolicy.enabled }}
{{- $opened | toJson }}
{{- end }}
{{- end }}

{{/*
A way out to live sources: at the ports of their URLs to addresses outside private networks, or at those of
networkPolicy.podPorts to wherever they are. (list . "fpl" "football_data_uk")
*/}}
{{- define "matchday.egress.sources" -}}
{{- $root := first . }}
{{- $urls := list }}
{{- range rest . }}
{{- $urls = append $urls (get $root.Values.sources.urls .) }}
{{- end }}
{{- include "matchday.egress.url" (concat (list $root "sources") $urls) }}
{{- if not $root.Values.networkPolicy.podPorts.sources }}
  to:
    # All but the networks of RFC 1918, of carriers (RFC 6598) and of single links, and their like in IPv6.
    - ipBlock:
        cidr: 0.0.0.0/0
        except: [10.0.0.0/8, 100.64.0.0/10, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16]
    - ipBlock:
        cidr: "::/0"
        except: ["fc00::/7", "fe80::/10"]
{{- end }}
{{- end }}

{{/* A way out to name servers, wherever they are. */}}
{{- define "matchday.egress.names" -}}
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- end }}

{{/* A way out to Kafka's brokers. */}}
{{- define "matchday.egress.kafka" -}}
{{- if .Values.kafka.enabled -}}
{{- include "matchday.egress" (list . "kafka" 9092) }}
{{- else }}
{{- $urls := list }}
{{- range .Values.kafka.brokers }}
{{- $urls = append $urls (printf "kafka://%s" .) }}
{{- end }}
{{- include "matchday.egress.url" (concat (list . "kafka") $urls) }}
{{- end }}
{{- end }}

{{- define "matchday.egress.mlflow" -}}
- ports:
    - port: 5000
  to:
    {{- include "matchday.peer" (list . "mlflow") | nindent 4 }}
{{- end }}

{{/* The head of a policy about a part: (list . "mlflow"), or about a model's: (list . "predictor" "total-goals"). */}}
{{- define "matchday.policy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "matchday.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "matchday.part" . | nindent 6 }}
{{- end }}
