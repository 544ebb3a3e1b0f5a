{{/* What the entries of `models` come to. */}}

{{/* The models that are served, as YAML: by name, the values of each over those of modelDefaults. */}}
{{- define "matchday.models" -}}
{{- range $name, $given := .Values.models }}
{{- $model := mustMergeOverwrite (dict "enabled" true "host" "") (deepCopy $.Values.modelDefaults) (deepCopy ($given | default dict)) }}
{{- $_ := set $model "storageUri" ($model.storageUri | default (printf "mlflow://%s@champion" $name)) }}
{{- if $model.enabled }}
{{ dict $name $model | toYaml }}
{{- end }}
{{- end }}
{{- end }}

{{/* The names of the models in a mode, as YAML: (list . "Standard"). */}}
{{- define "matchday.models.in" -}}
{{- $mode := index . 1 }}
{{- range $name, $model := include "matchday.models" (index . 0) | fromYaml }}
{{- if eq $model.mode $mode }}
- {{ $name }}
{{- end }}
{{- end }}
{{- end }}

{{/* The public host of a model in Standard mode: (list . "match-outcome" MODEL). */}}
{{- define "matchday.model.host" -}}
{{ (index . 2).host | default (printf "%s.%s.example.com" (index . 1) (index . 0).Release.Namespace) }}
{{- end }}

{{/* What is said of a model in the environment of its server and of the operator: where answers are logged. */}}
{{- define "matchday.env.predictions" -}}
- name: MATCHDAY_SERVING_PREDICTIONS
  value: kafka://{{ join "," .Values.kafka.brokers }}
{{- end }}

{{/* Not empty where some model logs its answers. */}}
{{- define "matchday.models.logged" -}}
{{- range include "matchday.models" . | fromYaml }}
{{- if and .predictions $.Values.kafka.brokers }}
{{- print "true" }}
{{- end }}
{{- end }}
{{- end }}
