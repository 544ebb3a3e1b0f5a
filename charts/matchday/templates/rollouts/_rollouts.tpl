{{/* The token that the operator shows the servers, as YAML. The checks see that every model has the same. */}}
{{- define "matchday.rollouts.token" -}}
{{- range include "matchday.models" . | fromYaml | values | first | list | compact }}
{{- toYaml .token }}
{{- end }}
{{- end }}
