{{/* Pipelines that run by the clock. */}}

{{/* The cron of each that does, by its name, as YAML. */}}
{{- define "matchday.recurring" -}}
{{- $crons := dict }}
{{- if .Values.pipelines.recurring.enabled }}
{{- range $name := list "ingest" "materialise" "forecast" }}
{{- $run := get $.Values.pipelines.recurring $name }}
{{- if $run.enabled }}
{{- $_ := set $crons $name $run.cron }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml $crons }}
{{- end }}

{{/* The same for the Job that makes Kubeflow's recurring runs. */}}
{{- define "matchday.env.recurring" -}}
- name: MATCHDAY_RECURRING
  value: {{ include "matchday.recurring" . | fromYaml | toJson | quote }}
{{- end }}

{{/* Labels of a CronJob's pods, Jobs and of itself: (list . "ingest"). */}}
{{- define "matchday.recurring.labels" -}}
{{ include "matchday.part.labels" (list (index . 0) "recurring") }}
matchday.io/pipeline: {{ index . 1 }}
{{- end }}
