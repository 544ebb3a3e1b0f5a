{{/* What things are called, and the labels that find them. */}}

{{- define "matchday.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The release's name where it holds the chart's, else RELEASE-matchday. 40 characters leave room for endings. */}}
{{- define "matchday.fullname" -}}
{{- $name := include "matchday.name" . }}
{{- $joined := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- .Values.fullnameOverride | default $joined | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* The model, and so the InferenceService: protocols and probes call it by this name. */}}
{{- define "matchday.model" -}}
match-outcome
{{- end }}

{{- define "matchday.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "matchday.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{/* Where pipeline runs live. */}}
{{- define "matchday.runs" -}}
{{ .Values.pipelines.namespace | default .Release.Namespace }}
{{- end }}

{{/* The labels that select; they never change. */}}
{{- define "matchday.selector" -}}
app.kubernetes.io/name: {{ include "matchday.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The labels of every object. */}}
{{- define "matchday.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "matchday.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: matchday
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Metadata of a part: (list . "mlflow") is FULLNAME-mlflow with the labels of its component. */}}
{{- define "matchday.metadata" -}}
{{- $root := index . 0 }}
{{- $component := index . 1 -}}
name: {{ include "matchday.fullname" $root }}-{{ $component }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "matchday.labels" $root | nindent 2 }}
  app.kubernetes.io/component: {{ $component }}
{{- end }}

{{/* The labels that select a part: (list . "mlflow"). */}}
{{- define "matchday.part" -}}
{{ include "matchday.selector" (index . 0) }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}
