{{/* Environment variables of Matchday's processes. What is secret comes by reference alone. */}}

{{/* What every process may know; the ConfigMap FULLNAME-environment. */}}
{{- define "matchday.environment" -}}
{{- /* Helm may render this before checks.yaml, and values that an older chart lacks would be no sentence. */}}
{{- include "matchday.checks.moved" . }}
MATCHDAY_LAKE: s3://{{ .Values.bucket.name }}/lake
MATCHDAY_FEAST_REGISTRY: s3://{{ .Values.bucket.name }}/feast/registry.db
MATCHDAY_COLLECTED: {{ .Values.sources.collected | default (printf "s3://%s/collected" .Values.bucket.name) }}
MATCHDAY_SOURCES: {{ join "," .Values.sources.names | quote }}
{{- range $name, $url := .Values.sources.urls }}
MATCHDAY_{{ upper $name }}_URL: {{ $url }}
{{- end }}
MATCHDAY_TRACKING_URI: {{ include "matchday.mlflow.url" . }}
AWS_ENDPOINT_URL: {{ include "matchday.bucket.url" . }}
AWS_REGION: {{ .Values.bucket.region }}
AWS_DEFAULT_REGION: {{ .Values.bucket.region }}
MATCHDAY_PROMOTION: {{ .Values.rollouts.enabled | ternary "judge" "run" }}
{{- with .Values.pipelines.kfp.endpoint }}
KFP_ENDPOINT: {{ . }}
{{- end }}
{{- with .Values.telemetry.endpoint }}
OTEL_EXPORTER_OTLP_ENDPOINT: {{ . }}
{{- end }}
{{- with .Values.environment }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Variables out of a Secret that has keys of the same names: (list SECRET NAME...). */}}
{{- define "matchday.env" -}}
{{- $secret := first . }}
{{- $variables := list }}
{{- range rest . }}
{{- $variables = append $variables (dict "name" . "valueFrom" (dict "secretKeyRef" (dict "name" $secret "key" .))) }}
{{- end }}
{{- toYaml $variables }}
{{- end }}

{{/* The credentials of clients, store by store. */}}
{{- define "matchday.env.redis" -}}
{{ include "matchday.env" (list (include "matchday.credentials" (list . "redis")) "MATCHDAY_ONLINE_STORE") }}
{{- end }}

{{- define "matchday.env.bucket" -}}
{{ include "matchday.env" (list (include "matchday.credentials" (list . "bucket")) "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY") }}
{{- end }}

{{- define "matchday.env.mlflow" -}}
{{ include "matchday.env" (list (include "matchday.credentials" (list . "mlflow")) "MLFLOW_TRACKING_USERNAME" "MLFLOW_TRACKING_PASSWORD") }}
{{- end }}

{{/* The token of live sources; nothing where none that is asked needs one. */}}
{{- define "matchday.env.sources" -}}
{{- if include "matchday.sources.tokened" . }}
{{- include "matchday.env" (list (include "matchday.sources.secret" .) "MATCHDAY_FOOTBALL_DATA_TOKEN") }}
{{- end }}
{{- end }}

{{- define "matchday.env.database" -}}
{{ include "matchday.env" (list (include "matchday.database.secret" .) "MLFLOW_BACKEND_STORE_URI") }}
{{- end }}
