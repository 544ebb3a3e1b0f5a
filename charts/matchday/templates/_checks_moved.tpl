{{/* Values of an older chart: refused with the key to write now. */}}

{{- define "matchday.checks.moved" -}}
{{- $moved := list }}
{{- range $key, $value := .Values.inferenceService }}
{{- $new := eq $key "storageResources" | ternary "storage.resources" (printf "models.match-outcome.%s" $key) }}
{{- $moved = append $moved (printf "%s in place of inferenceService.%s" $new $key) }}
{{- end }}
{{- if .Values.rollouts.host }}
{{- $moved = append $moved "models.match-outcome.host in place of rollouts.host" }}
{{- end }}
{{- if $moved }}
{{- fail (printf "these values are of an older chart, which served one model: write %s. An upgrade that reuses values drops the old ones with --set inferenceService=null,rollouts.host=null (docs/kubernetes.md, \"Values of an older chart\")" (join ", " $moved)) }}
{{- end }}
{{- if not (and .Values.modelDefaults .Values.storage) }}
{{- fail "modelDefaults or storage is missing, as after an upgrade that reuses all values of an older chart: use --reset-then-reuse-values" }}
{{- end }}
{{- end }}
