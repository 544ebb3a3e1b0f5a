{{/* Files that a server or the operator reads: its token, and Kafka's certificates. */}}

{{/* Volumes: (list . TOKEN LOGS), of a model's `token`, and whether answers are logged to Kafka. */}}
{{- define "matchday.files.volumes" -}}
{{- with index . 1 }}
{{- if .existingSecret }}
- name: token
  secret:
    secretName: {{ .existingSecret }}
    items:
      - key: {{ .key }}
        path: token
{{- end }}
{{- end }}
{{- if index . 2 }}
{{- include "matchday.kafka.volume" (index . 0) }}
{{- end }}
{{- end }}

{{/* Their mounts, of the same list. */}}
{{- define "matchday.files.mounts" -}}
{{- with index . 1 }}
{{- if .existingSecret }}
- name: token
  mountPath: /etc/matchday
  readOnly: true
{{- end }}
{{- end }}
{{- if index . 2 }}
{{- include "matchday.kafka.mount" (index . 0) }}
{{- end }}
{{- end }}
