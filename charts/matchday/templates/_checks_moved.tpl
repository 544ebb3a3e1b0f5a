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
{{- if not (and .Values.modelDefaults .Values.storage .Values.networkPolicy.podPorts .Values.sources .Values.pipelines.recurring) }}
{{- fail "modelDefaults, storage, networkPolicy.podPorts, sources or pipelines.recurring is missing, as after an upgrade that reuses all values of an older chart: use --reset-then-reuse-values" }}
{{- end }}
{{- if not (and .Values.stream .Values.kafka.persistence .Values.images.kafka) }}
{{- fail "stream, kafka.persistence or images.kafka is missing, as after an upgrade that reuses all values of an older chart: use --reset-then-reuse-values" }}
{{- end }}
{{- if .Values.clusterObjects }}
{{- fail "clusterObjects is of an older chart, in which releases shared objects of the cluster: drop it (in an upgrade that reuses values, --set clusterObjects=null), as each release has its own now. Where you have no right to make a ClusterStorageContainer, storage.containerName names one that an administrator has made" }}
{{- end }}
{{- end }}
