{{/* How many pods, and what decides it: of a model's values. */}}
{{- define "matchday.predictor.scale" -}}
minReplicas: {{ .replicas }}
maxReplicas: {{ and (eq .autoscaling.class "none") (eq .mode "Standard") | ternary .replicas .autoscaling.maxReplicas }}
{{- if eq .autoscaling.class "hpa" }}
scaleMetric: cpu
scaleTarget: {{ .autoscaling.cpuPercent }}
{{- else if eq .autoscaling.class "keda" }}
autoScaling:
  metrics:
    - type: External
      external:
        metric:
          backend: prometheus
          serverAddress: {{ .autoscaling.prometheus.address }}
          query: {{ .autoscaling.prometheus.query | quote }}
        target:
          type: Value
          value: {{ .autoscaling.prometheus.threshold | quote }}
{{- end }}
{{- end }}

{{/* The environment of a model's server: (list . MODEL). */}}
{{- define "matchday.predictor.env" -}}
{{- $root := index . 0 }}
{{- with index . 1 -}}
- name: MATCHDAY_SERVING_ONLINE_STORE
  valueFrom:
    secretKeyRef:
      name: {{ include "matchday.credentials" (list $root "redis") }}
      key: MATCHDAY_ONLINE_STORE
- name: MATCHDAY_SERVING_WORKERS
  value: {{ .workers | quote }}
- name: MATCHDAY_SERVING_DRAIN_SECONDS
  value: {{ .drainSeconds | quote }}
- name: MATCHDAY_SERVING_STOP_SECONDS
  value: {{ .stopSeconds | quote }}
{{- if eq .mode "Standard" }}
- name: MATCHDAY_SERVING_GRPC_PORT
  value: "8081"
{{- end }}
{{- if include "matchday.model.logs" (list $root .) }}
{{ include "matchday.env.kafka" $root }}
{{- end }}
{{- if .token.existingSecret }}
- name: MATCHDAY_SERVING_TOKEN_FILE
  value: /etc/matchday/token
{{- end }}
{{- if .refreshSeconds }}
- name: MATCHDAY_SERVING_SOURCES
  value: {{ list .storageUri | toJson | quote }}
- name: MATCHDAY_SERVING_REFRESH_SECONDS
  value: {{ .refreshSeconds | quote }}
- name: MATCHDAY_TRACKING_URI
  value: {{ include "matchday.mlflow.url" $root }}
{{ include "matchday.env.mlflow" $root }}
{{- end }}
{{- with $root.Values.telemetry.endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . }}
{{- end }}
{{- range $name, $value := .environment }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end }}
