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

{{/* Not empty where a model logs its answers: (list . MODEL). */}}
{{- define "matchday.model.logs" -}}
{{- if and (index . 1).predictions (include "matchday.kafka.brokers" (index . 0)) }}
{{- print "true" }}
{{- end }}
{{- end }}

{{/* Not empty where some model does. */}}
{{- define "matchday.models.log" -}}
{{- range include "matchday.models" . | fromYaml }}
{{- include "matchday.model.logs" (list $ .) }}
{{- end }}
{{- end }}
