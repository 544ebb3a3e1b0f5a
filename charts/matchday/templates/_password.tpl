{{/* A password that stays: the one in the Secret FULLNAME-NAME of an earlier install, or a new one. (list . "redis" KEY) */}}
{{- define "matchday.password" -}}
{{- $root := index . 0 }}
{{- $name := printf "%s-%s" (include "matchday.fullname" $root) (index . 1) }}
{{- $secret := lookup "v1" "Secret" $root.Release.Namespace $name }}
{{- dig "data" (index . 2) "" $secret | b64dec | default (randAlphaNum 32) }}
{{- end }}

{{/* The head of a Secret of generated passwords. It outlives the release, as the volumes do that they open. (list . "redis") */}}
{{- define "matchday.secret" -}}
apiVersion: v1
kind: Secret
metadata:
  {{- include "matchday.metadata" . | nindent 2 }}
  annotations:
    helm.sh/resource-policy: keep
type: Opaque
{{- end }}
