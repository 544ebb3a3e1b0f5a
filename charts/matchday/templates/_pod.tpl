{{/* What every pod of the chart has in common: PodSecurity `restricted`, and nothing that it does not need. */}}

{{/* An image by (list . "serving"): its digest where there is one, else its tag, else the chart's version. */}}
{{- define "matchday.image" -}}
{{- $root := index . 0 }}
{{- $image := get $root.Values.images (index . 1) }}
{{- if $image.digest }}
{{- printf "%s@%s" $image.repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $image.repository ($image.tag | default $root.Chart.AppVersion) }}
{{- end }}
{{- end }}

{{/* The head of a container by (list . "serving"): image, and how it is confined. */}}
{{- define "matchday.container" -}}
image: {{ include "matchday.image" . }}
imagePullPolicy: {{ (index . 0).Values.images.pullPolicy }}
securityContext:
  {{- include "matchday.confined" . | nindent 2 }}
terminationMessagePolicy: FallbackToLogsOnError
{{- end }}

{{- define "matchday.confined" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* The head of a pod's spec. */}}
{{- define "matchday.pod" -}}
serviceAccountName: {{ include "matchday.serviceAccount" . }}
automountServiceAccountToken: false
{{ include "matchday.pod.confined" . }}
{{- end }}

{{/* The same, whatever account it has. */}}
{{- define "matchday.pod.confined" -}}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with include "matchday.placement" . }}
{{ . }}
{{- end }}
{{- end }}

{{/* Where pods may run, and what pulls their images; nothing where no value says so. */}}
{{- define "matchday.placement" -}}
{{- $given := dict }}
{{- range $name := list "imagePullSecrets" "nodeSelector" "tolerations" "affinity" }}
{{- with get $.Values $name }}
{{- $_ := set $given $name . }}
{{- end }}
{{- end }}
{{- with $given }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{/* Replicas of a part, as `matchday.part` takes it, on different nodes and zones where the cluster has room. */}}
{{- define "matchday.spread" -}}
{{- $selector := dict "matchLabels" (include "matchday.part" . | fromYaml) }}
{{- $constraints := list }}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
{{- $constraints = append $constraints (dict "maxSkew" 1 "topologyKey" . "whenUnsatisfiable" "ScheduleAnyway" "labelSelector" $selector) }}
{{- end }}
{{- toYaml $constraints }}
{{- end }}

{{/* The one folder that Matchday's processes write. */}}
{{- define "matchday.scratch.volume" -}}
- name: scratch
  emptyDir:
    sizeLimit: {{ .Values.scratchSize }}
{{- end }}

{{- define "matchday.scratch.mount" -}}
- name: scratch
  mountPath: /var/lib/matchday
{{- end }}
