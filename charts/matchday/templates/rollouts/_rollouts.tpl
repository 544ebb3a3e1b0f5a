{{/* The token that the operator shows the servers, as YAML. The checks see that every model has the same. */}}
{{- define "matchday.rollouts.token" -}}
{{- range include "matchday.models" . | fromYaml | values | first | list | compact }}
{{- toYaml .token }}
{{- end }}
{{- end }}

{{/* What the operator may do with services of one namespace: (dict "standard" NAMES "knative" NAMES), by their mode. */}}
{{- define "matchday.rollouts.rules" -}}
{{- $standard := .standard }}
{{- $knative := .knative -}}
- apiGroups: [matchday.io]
  resources: [modelrollouts]
  verbs: [get, list, watch, patch]
- apiGroups: [matchday.io]
  resources: [modelrollouts/status]
  verbs: [update]
# A ModelRollout may name any, and its status then says what is wrong with it; those of the chart are ours to write.
- apiGroups: [serving.kserve.io]
  resources: [inferenceservices]
  verbs: [get]
- apiGroups: [serving.kserve.io]
  resources: [inferenceservices]
  resourceNames:
    {{- concat $standard $knative | sortAlpha | toYaml | nindent 4 }}
  verbs: [patch]
{{- if $standard }}
# KServe's own routes are read, ours are written.
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list]
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  resourceNames:
    {{- range $standard }}
    - {{ . }}-public
    {{- end }}
  verbs: [patch]
- apiGroups: [""]
  resources: [services]
  verbs: [get]
# A candidate's Deployment is KServe's, and its number of pods the rollout's. It bears the candidate's name.
- apiGroups: [apps]
  resources: [deployments/scale]
  verbs: [get, patch]
# One for each version while a rollout runs.
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [list, create, update, delete]
{{- end }}
{{- if $knative }}
- apiGroups: [serving.knative.dev]
  resources: [services]
  verbs: [get]
{{- end }}
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
# What both versions of a service did so far, too long for a status.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create]
{{- with concat $standard $knative | sortAlpha }}
- apiGroups: [""]
  resources: [configmaps]
  resourceNames:
    {{- range . }}
    - {{ . }}-rollout-evidence
    {{- end }}
  verbs: [get, update]
{{- end }}
{{- end }}

{{/* The other services that may be rolled out, by namespace, as YAML: a namespace and its names. */}}
{{- define "matchday.rollouts.services" -}}
{{- $found := dict }}
{{- range .Values.rollouts.services }}
{{- $namespace := default $.Release.Namespace .namespace }}
{{- $_ := set $found $namespace (append (get $found $namespace | default list) .name | uniq | sortAlpha) }}
{{- end }}
{{- toYaml $found }}
{{- end }}

{{/* Names of the other services, whatever their namespace, as JSON. */}}
{{- define "matchday.rollouts.names" -}}
{{- $names := list }}
{{- range .Values.rollouts.services }}
{{- $names = append $names .name }}
{{- end }}
{{- $names | uniq | sortAlpha | toJson }}
{{- end }}
