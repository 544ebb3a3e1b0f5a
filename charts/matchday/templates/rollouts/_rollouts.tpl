{{/* The public host of the model. */}}
{{- define "matchday.rollouts.host" -}}
{{ .Values.rollouts.host | default (printf "%s.%s.example.com" (include "matchday.model" .) .Release.Namespace) }}
{{- end }}
