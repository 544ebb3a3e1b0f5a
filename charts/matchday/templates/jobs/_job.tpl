{{/*
A Job that Helm runs as a hook, of a dict:
  root     the chart's scope
  part     it is FULLNAME-PART
  model    of which model, if of one
  hook     when Helm runs it
  weight   in which order
  args     the command, of the pipeline image
  env      variables by reference
  resources
  seconds  how long it waits, if not jobs.waitSeconds
  again    true: what it reports itself is tried again like a crash, as a step of a run may fail by chance
  early    true: it runs before an upgrade too, with an account of its own, and takes no ConfigMap: those that it would
           name are the former release's, or not there yet
It can be run again at any time, and the last line of its log says what to do when it fails.
*/}}
{{- define "matchday.job" -}}
{{- $root := .root }}
{{- $part := concat (list $root "job") (compact (list .model)) }}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "matchday.partname" (concat (list $root .part) (compact (list .model))) }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "matchday.labels" $root | nindent 4 }}
    {{- include "matchday.part.labels" $part | nindent 4 }}
  annotations:
    helm.sh/hook: {{ .hook }}
    helm.sh/hook-weight: {{ .weight | quote }}
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  backoffLimit: {{ $root.Values.jobs.retries }}
  {{- if not .again }}
  podFailurePolicy:
    rules:
      # It has waited, and said what is wrong: the same again would say the same.
      - action: FailJob
        onExitCodes:
          containerName: matchday
          operator: In
          values: [2]
  {{- end }}
  activeDeadlineSeconds: {{ int $root.Values.jobs.deadlineSeconds }}
  ttlSecondsAfterFinished: {{ int $root.Values.jobs.keepSeconds }}
  template:
    metadata:
      labels:
        {{- include "matchday.part" $part | nindent 8 }}
    spec:
      {{- if .early }}
      serviceAccountName: {{ include "matchday.serviceAccount.early" $root }}
      automountServiceAccountToken: false
      {{- include "matchday.pod.confined" $root | nindent 6 }}
      {{- else }}
      {{- include "matchday.pod" $root | nindent 6 }}
      {{- end }}
      restartPolicy: Never
      containers:
        - name: matchday
          {{- include "matchday.container" (list $root "pipeline") | nindent 10 }}
          args:
            {{- toYaml .args | nindent 12 }}
            - --wait-seconds
            - {{ .seconds | default $root.Values.jobs.waitSeconds | quote }}
          env:
            {{- .env | nindent 12 }}
            {{- with include "matchday.egress.opened" $root }}
            - name: MATCHDAY_EGRESS_PORTS
              value: {{ . | quote }}
            {{- end }}
            {{- if .early }}
            {{- range $name, $value := include "matchday.environment" $root | fromYaml }}
            - name: {{ $name }}
              value: {{ $value | quote }}
            {{- end }}
          {{- else }}
          envFrom:
            - configMapRef:
                name: {{ include "matchday.fullname" $root }}-environment
          {{- end }}
          resources:
            {{- toYaml .resources | nindent 12 }}
          volumeMounts:
            {{- include "matchday.scratch.mount" $root | nindent 12 }}
      volumes:
        {{- include "matchday.scratch.volume" $root | nindent 8 }}
{{- end }}

{{/* Metadata of what the Job before an upgrade needs; gone once it has succeeded. More annotations may follow. */}}
{{- define "matchday.job.early.metadata" -}}
{{ include "matchday.metadata" (list . "migrate-database") }}
annotations:
  helm.sh/hook: post-install,pre-upgrade
  helm.sh/hook-weight: "-1"
  helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{/* Its account: yours, or one of its own, as an upgrade may give the others another. */}}
{{- define "matchday.serviceAccount.early" -}}
{{- if .Values.serviceAccount.create }}
{{- include "matchday.partname" (list . "migrate-database") }}
{{- else }}
{{- include "matchday.serviceAccount" . }}
{{- end }}
{{- end }}

{{/* The credentials of all that a pipeline touches. */}}
{{- define "matchday.env.pipeline" -}}
{{ include "matchday.env.redis" . }}
{{ include "matchday.env.bucket" . }}
{{ include "matchday.env.mlflow" . }}
{{- end }}

{{/* How runs are submitted. */}}
{{- define "matchday.env.kfp" -}}
- name: MATCHDAY_KFP_ENVIRONMENT
  value: {{ include "matchday.runs.environment" . }}
- name: MATCHDAY_PIPELINE_IMAGE
  value: {{ include "matchday.image" (list . "pipeline") }}
- name: MATCHDAY_KFP_NAMESPACE
  value: {{ include "matchday.runs" . }}
{{- if include "matchday.sources.tokened" . }}
- name: MATCHDAY_KFP_SOURCES_SECRET
  value: {{ include "matchday.sources.secret.runs" . }}
{{- end }}
{{- end }}
