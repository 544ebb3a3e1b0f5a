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

{{- define "matchday.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "matchday.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{/*
NAMESPACE.FULLNAME: the name of an object in a namespace that releases share, or of the whole cluster. No namespace has a
dot in its name, so no other release has it.
*/}}
{{- define "matchday.sharedname" -}}
{{ .Release.Namespace }}.{{ include "matchday.fullname" . }}
{{- end }}

{{/* Where pipeline runs live. */}}
{{- define "matchday.runs" -}}
{{ .Values.pipelines.namespace | default .Release.Namespace }}
{{- end }}

{{/* The first part of the names of ConfigMap and Secret that runs read there. */}}
{{- define "matchday.runs.environment" -}}
{{- if eq (include "matchday.runs" .) .Release.Namespace }}
{{- include "matchday.fullname" . }}
{{- else }}
{{- include "matchday.sharedname" . }}
{{- end }}
{{- end }}

{{/* The ClusterStorageContainer that fetches mlflow:// into predictors. */}}
{{- define "matchday.storageContainer" -}}
{{ .Values.storage.containerName | default (printf "%s-mlflow" (include "matchday.sharedname" .)) }}
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

{{/* FULLNAME-PART, or FULLNAME-PART-MODEL: (list . "mlflow") or (list . "predictor" "total-goals"). */}}
{{- define "matchday.partname" -}}
{{- $names := list (include "matchday.fullname" (index . 0)) (index . 1) }}
{{- /* What match-outcome has was there before there were other models, and keeps its names. */}}
{{- join "-" (concat $names (without (slice . 2) "match-outcome")) }}
{{- end }}

{{/* Metadata of a part: (list . "mlflow"), or of a model's: (list . "predictor" "total-goals"). */}}
{{- define "matchday.metadata" -}}
name: {{ include "matchday.partname" . }}
namespace: {{ (index . 0).Release.Namespace }}
labels:
  {{- include "matchday.labels" (index . 0) | nindent 2 }}
  {{- include "matchday.part.labels" . | nindent 2 }}
{{- end }}

{{/* The labels that select a part, of all models: (list . "predictor"), or of one: (list . "predictor" "total-goals"). */}}
{{- define "matchday.part" -}}
{{ include "matchday.selector" (index . 0) }}
{{ include "matchday.part.labels" . }}
{{- end }}

{{- define "matchday.part.labels" -}}
app.kubernetes.io/component: {{ index . 1 }}
{{- range slice . 2 }}
matchday.io/inference-service: {{ . }}
{{- end }}
{{- end }}
