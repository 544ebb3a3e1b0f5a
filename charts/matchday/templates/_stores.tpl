{{/*
Where Redis, the database, the bucket and MLflow are, and which Secret has their credentials: yours, or the chart's.
A Secret's keys are the environment variables that its readers take, so both kinds look alike.
*/}}

{{- define "matchday.bucket.url" -}}
{{- if .Values.bucket.enabled -}}
http://{{ include "matchday.fullname" . }}-bucket.{{ .Release.Namespace }}.svc:7070
{{- else -}}
{{ .Values.bucket.url }}
{{- end }}
{{- end }}

{{- define "matchday.mlflow.url" -}}
http://{{ include "matchday.fullname" . }}-mlflow.{{ .Release.Namespace }}.svc:5000
{{- end }}

{{- define "matchday.redis.secret" -}}
{{ .Values.redis.existingSecret | default (printf "%s-redis" (include "matchday.fullname" .)) }}
{{- end }}

{{- define "matchday.database.secret" -}}
{{ .Values.database.existingSecret | default (printf "%s-database" (include "matchday.fullname" .)) }}
{{- end }}

{{- define "matchday.mlflow.secret" -}}
{{ .Values.mlflow.existingSecret | default (printf "%s-mlflow" (include "matchday.fullname" .)) }}
{{- end }}

{{/* The Secret with what clients of a store need: (list . "redis"). */}}
{{- define "matchday.credentials" -}}
{{- $root := index . 0 }}
{{- $store := get $root.Values (index . 1) }}
{{- $store.existingSecret | default (printf "%s-credentials" (include "matchday.fullname" $root)) }}
{{- end }}

{{/* Not empty where football-data.org is asked, which needs a token. */}}
{{- define "matchday.sources.tokened" -}}
{{- if has "football_data_org" .Values.sources.names }}
{{- print "true" }}
{{- end }}
{{- end }}

{{/* The Secret with the token, here and for runs, which may live elsewhere. */}}
{{- define "matchday.sources.secret" -}}
{{ .Values.sources.existingSecret | default (printf "%s-sources" (include "matchday.fullname" .)) }}
{{- end }}

{{- define "matchday.sources.secret.runs" -}}
{{ .Values.sources.existingSecret | default (printf "%s-sources" (include "matchday.runs.environment" .)) }}
{{- end }}

{{/* The names that MLflow answers to; requests under others are refused, against DNS rebinding. */}}
{{- define "matchday.mlflow.hosts" -}}
{{- $service := printf "%s-mlflow" (include "matchday.fullname" .) }}
{{- $hosts := list "localhost:*" "127.0.0.1:*" }}
{{- range list "" (printf ".%s" .Release.Namespace) (printf ".%s.svc" .Release.Namespace) (printf ".%s.svc.cluster.local" .Release.Namespace) }}
{{- $hosts = append $hosts (printf "%s%s:5000" $service .) }}
{{- end }}
{{- concat $hosts .Values.mlflow.hosts | join "," }}
{{- end }}

{{/* The stores that the chart starts, for people. */}}
{{- define "matchday.trial" -}}
{{- $started := list }}
{{- range list "redis" "database" "bucket" }}
{{- if (get $.Values .).enabled }}
{{- $started = append $started . }}
{{- end }}
{{- end }}
{{- join ", " $started }}
{{- end }}
