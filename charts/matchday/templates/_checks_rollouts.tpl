{{/* One owner for each field: what a rollout decides, nothing else may. */}}

{{/* Of each model: (list . "match-outcome" MODEL). */}}
{{- define "matchday.checks.rollout" -}}
{{- $key := printf "models.%s" (index . 1) }}
{{- $uri := printf "mlflow://%s@champion" (index . 1) }}
{{- $model := index . 2 }}
{{- if ne $model.storageUri $uri }}
{{- fail (printf "%s.storageUri is %s, and rollouts promote what serves %s: use that, or set rollouts.enabled=false" $key $model.storageUri $uri) }}
{{- end }}
{{- if $model.refreshSeconds }}
{{- fail (printf "%s.refreshSeconds lets running pods take up a moved alias, past the judge: leave it at 0 with rollouts.enabled" $key) }}
{{- end }}
{{- if eq $model.mode "Standard" }}
{{- if not ((index . 0).Capabilities.APIVersions.Has "gateway.networking.k8s.io/v1") }}
{{- fail "rollouts.enabled splits requests by the Gateway API, which is not in this cluster: install it (k8s/prerequisites.sh), or set rollouts.enabled=false. When rendering without a cluster, add --api-versions gateway.networking.k8s.io/v1" }}
{{- end }}
{{- else if $model.host }}
{{- fail (printf "%s.host is given, and in Knative mode the public host is Knative's own: leave it empty" $key) }}
{{- end }}
{{- end }}

{{/* Settings that would do nothing, with rollouts or without. */}}
{{- define "matchday.checks.rollouts.settings" -}}
{{- if and .Values.rollouts.services (not .Values.rollouts.enabled) }}
{{- fail "rollouts.services names services for the operator, which rollouts.enabled=false leaves out: set rollouts.enabled=true, or leave rollouts.services empty" }}
{{- end }}
{{- if and .Values.rollouts.gatewayMetrics (not .Values.rollouts.prometheusURL) }}
{{- fail "rollouts.gatewayMetrics reads the gateway's counters from rollouts.prometheusURL, which is empty: give the Prometheus that scrapes the gateway, or set rollouts.gatewayMetrics=false" }}
{{- end }}
{{- end }}

{{/* Of all models together. */}}
{{- define "matchday.checks.rollouts" -}}
{{- $models := include "matchday.models" . | fromYaml }}
{{- if not $models }}
{{- fail "rollouts.enabled needs a model that is served: set models.match-outcome.enabled=true, or rollouts.enabled=false" }}
{{- end }}
{{- $hosts := dict }}
{{- $tokens := list }}
{{- range $name, $model := $models }}
{{- $tokens = append $tokens (toJson .token) }}
{{- $host := include "matchday.model.host" (list $ $name .) }}
{{- if hasKey $hosts $host }}
{{- fail (printf "models.%s.host and models.%s.host are both %s: give each model a public host of its own" (get $hosts $host) $name $host) }}
{{- end }}
{{- $_ := set $hosts $host $name }}
{{- end }}
{{- if gt (len (uniq $tokens)) 1 }}
{{- fail "the rollouts' operator has one token for the servers of all models: give it in modelDefaults.token, and no other in models" }}
{{- end }}
{{- end }}
