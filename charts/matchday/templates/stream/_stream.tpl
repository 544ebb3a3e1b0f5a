{{/* The pods that stream: the processor, and the producer that asks a live source. */}}

{{/* Not empty where features are streamed. Helm may render it before checks.yaml, hence the check. */}}
{{- define "matchday.streams" -}}
{{- include "matchday.checks.moved" . }}
{{- if .Values.stream.enabled }}
{{- print "true" }}
{{- end }}
{{- end }}

{{/* Not empty where a producer asks a live source. */}}
{{- define "matchday.streams.live" -}}
{{- if and (include "matchday.streams" .) .Values.stream.live.enabled }}
{{- print "true" }}
{{- end }}
{{- end }}

{{/* What both are told. */}}
{{- define "matchday.stream.env" -}}
{{ include "matchday.env.bucket" . }}
{{ include "matchday.env.kafka.stream" . }}
- name: MATCHDAY_STREAM_EVENTS
  value: kafka://
- name: MATCHDAY_STREAM_GROUP
  value: {{ .Values.stream.group }}
- name: MATCHDAY_LOG_LEVEL
  value: info
{{- range $name, $value := .Values.stream.environment }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{/* Copies of each partition of the topics. */}}
{{- define "matchday.stream.replication" -}}
{{- $own := .Values.kafka.enabled | ternary 1 3 }}
{{- .Values.stream.topics.replication | int | default $own }}
{{- end }}

{{/* Makes the topics that are missing, before a pod that reads or writes them starts. */}}
{{- define "matchday.stream.topics" -}}
- name: topics
  {{- include "matchday.container" (list . "pipeline") | nindent 2 }}
  args:
    - stream
    - topics
    - --partitions
    - {{ .Values.stream.topics.partitions | quote }}
    - --replication
    - {{ include "matchday.stream.replication" . | quote }}
  env:
    {{- include "matchday.stream.env" . | nindent 4 }}
  envFrom:
    {{- include "matchday.stream.environment" . | nindent 4 }}
  resources:
    requests: {cpu: 50m, memory: 128Mi}
    limits: {cpu: "1", memory: 512Mi}
  volumeMounts:
    {{- include "matchday.stream.mounts" . | nindent 4 }}
{{- end }}

{{- define "matchday.stream.environment" -}}
- configMapRef:
    name: {{ include "matchday.fullname" . }}-environment
{{- end }}

{{- define "matchday.stream.mounts" -}}
{{ include "matchday.scratch.mount" . }}
{{- with include "matchday.kafka.mount" . }}
{{- . }}
{{- end }}
{{- end }}

{{- define "matchday.stream.volumes" -}}
{{ include "matchday.scratch.volume" . }}
{{- with include "matchday.kafka.volume" . }}
{{- . }}
{{- end }}
{{- end }}

{{/* A probe of the producer: whether it has written down, in the last minutes, what it has said. (list . 5) */}}
{{- define "matchday.stream.said" -}}
exec:
  command: [sh, -c, find /var/lib/matchday/stream/emitted.json -mmin -{{ index . 1 }} | grep -q .]
{{- end }}
