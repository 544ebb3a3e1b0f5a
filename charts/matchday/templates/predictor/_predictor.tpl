{{/* How many pods, and what decides it; of .Values.inferenceService. */}}
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

{{/* What the server of this release is told. */}}
{{- define "matchday.predictor.env" -}}
- name: MATCHDAY_SERVING_ONLINE_STORE
  valueFrom:
    secretKeyRef:
      name: {{ include "matchday.credentials" (list . "redis") }}
      key: MATCHDAY_ONLINE_STORE
{{- with .Values.inferenceService }}
- name: MATCHDAY_SERVING_WORKERS
  value: {{ .workers | quote }}
- name: MATCHDAY_SERVING_DRAIN_SECONDS
  value: {{ .drainSeconds | quote }}
- name: MATCHDAY_SERVING_STOP_SECONDS
  value: {{ .stopSeconds | quote }}
{{- if and .predictions $.Values.kafka.brokers }}
- name: MATCHDAY_SERVING_PREDICTIONS
  value: kafka://{{ join "," $.Values.kafka.brokers }}
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
  value: {{ include "matchday.mlflow.url" $ }}
{{ include "matchday.env.mlflow" $ }}
{{- end }}
{{- with $.Values.telemetry.endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . }}
{{- end }}
{{- range $name, $value := .environment }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end }}
