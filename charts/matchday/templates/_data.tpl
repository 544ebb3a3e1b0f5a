{{/* The data of an in-chart store: a claim that outlives the release, or a folder that ends with the pod. */}}

{{- define "matchday.data.claim" -}}
{{- if .enabled -}}
volumeClaimTemplates:
  - metadata:
      name: data
    spec:
      accessModes: [ReadWriteOnce]
      {{- with .storageClass }}
      storageClassName: {{ . }}
      {{- end }}
      resources:
        requests:
          storage: {{ .size }}
{{- end }}
{{- end }}

{{- define "matchday.data.folder" -}}
{{- if not .enabled -}}
- name: data
  emptyDir:
    sizeLimit: {{ .size }}
{{- end }}
{{- end }}
