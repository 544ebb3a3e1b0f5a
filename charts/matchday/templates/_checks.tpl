{{/* What values can say that the schema cannot refuse: contradictions, and things that the cluster lacks. */}}

{{- define "matchday.checks" -}}
{{- range list "redis" "database" "bucket" }}
{{- include "matchday.checks.store" (list . (get $.Values .)) }}
{{- end }}
{{- if .Values.inferenceService.enabled }}
{{- include "matchday.checks.kserve" . }}
{{- include "matchday.checks.scale" .Values.inferenceService }}
{{- end }}
{{- if .Values.pipelines.kfp.endpoint }}
{{- include "matchday.checks.runs" . }}
{{- end }}
{{- if .Values.rollouts.enabled }}
{{- include "matchday.checks.rollouts" . }}
{{- end }}
{{- end }}

{{/* A store is the chart's or yours: (list "redis" VALUES). */}}
{{- define "matchday.checks.store" -}}
{{- $name := index . 0 }}
{{- $store := index . 1 }}
{{- if and $store.enabled $store.url }}
{{- fail (printf "%s.url is given while %s.enabled starts one in the chart: set %s.enabled=false to use yours, or drop %s.url" $name $name $name $name) }}
{{- end }}
{{- if and (not $store.enabled) (not (and $store.url $store.existingSecret)) }}
{{- fail (printf "%s.enabled is false: give %s.url and %s.existingSecret, where yours is and what opens it" $name $name $name) }}
{{- end }}
{{- end }}

{{- define "matchday.checks.kserve" -}}
{{- if not (.Capabilities.APIVersions.Has "serving.kserve.io/v1beta1") }}
{{- fail "KServe is not in this cluster: install it (k8s/prerequisites.sh), or set inferenceService.enabled=false. When rendering without a cluster, add --api-versions serving.kserve.io/v1beta1" }}
{{- end }}
{{- if and (eq .Values.inferenceService.mode "Knative") (not (.Capabilities.APIVersions.Has "serving.knative.dev/v1")) }}
{{- fail "inferenceService.mode is Knative, and Knative Serving is not in this cluster: install it, or set inferenceService.mode=Standard. When rendering without a cluster, add --api-versions serving.knative.dev/v1" }}
{{- end }}
{{- if and (eq .Values.inferenceService.autoscaling.class "keda") (not (.Capabilities.APIVersions.Has "keda.sh/v1alpha1")) }}
{{- fail "inferenceService.autoscaling.class is keda, and KEDA is not in this cluster: install it, or use hpa. When rendering without a cluster, add --api-versions keda.sh/v1alpha1" }}
{{- end }}
{{- end }}

{{- define "matchday.checks.scale" -}}
{{- if and (eq .mode "Standard") (lt (int .replicas) 1) }}
{{- fail "inferenceService.replicas is 0, which only Knative mode knows: give 1 or more" }}
{{- end }}
{{- if and (eq .mode "Knative") (ne .autoscaling.class "none") }}
{{- fail (printf "inferenceService.autoscaling.class=%s does nothing in Knative mode, which scales by itself: leave it at none" .autoscaling.class) }}
{{- end }}
{{- if and (or (ne .autoscaling.class "none") (eq .mode "Knative")) (lt (int .autoscaling.maxReplicas) (int .replicas)) }}
{{- fail (printf "inferenceService.autoscaling.maxReplicas=%d is less than inferenceService.replicas=%d: raise it" (int .autoscaling.maxReplicas) (int .replicas)) }}
{{- end }}
{{- if and (eq .autoscaling.class "keda") (not (and .autoscaling.prometheus.address .autoscaling.prometheus.query .autoscaling.prometheus.threshold)) }}
{{- fail "inferenceService.autoscaling.class is keda: give inferenceService.autoscaling.prometheus.address, .query and .threshold, what to scale by" }}
{{- end }}
{{- end }}

{{/* Runs read one Secret: the chart makes it whole, or you do. */}}
{{- define "matchday.checks.runs" -}}
{{- $own := printf "%s-credentials" (include "matchday.fullname" .) }}
{{- $secrets := list .Values.redis.existingSecret .Values.bucket.existingSecret .Values.mlflow.existingSecret }}
{{- if and (compact $secrets) (ne (uniq $secrets | join ",") $own) }}
{{- fail (printf "pipeline runs take all their credentials from one Secret, %s: with pipelines.kfp.endpoint, name that Secret in each of redis.existingSecret, bucket.existingSecret and mlflow.existingSecret, or in none of them" $own) }}
{{- end }}
{{- end }}

{{/* One owner for each field: what a rollout decides, nothing else may. */}}
{{- define "matchday.checks.rollouts" -}}
{{- $service := .Values.inferenceService }}
{{- if not $service.enabled }}
{{- fail "rollouts.enabled needs an InferenceService to roll out to: set inferenceService.enabled=true, or rollouts.enabled=false" }}
{{- end }}
{{- $uri := printf "mlflow://%s@champion" (include "matchday.model" .) }}
{{- if ne $service.storageUri $uri }}
{{- fail (printf "inferenceService.storageUri is %s, and rollouts promote what serves %s: use that, or set rollouts.enabled=false" $service.storageUri $uri) }}
{{- end }}
{{- if $service.refreshSeconds }}
{{- fail "inferenceService.refreshSeconds lets running pods take up a moved alias, past the judge: leave it at 0 with rollouts.enabled" }}
{{- end }}
{{- if eq $service.mode "Standard" }}
{{- if not (.Capabilities.APIVersions.Has "gateway.networking.k8s.io/v1") }}
{{- fail "rollouts.enabled splits requests by the Gateway API, which is not in this cluster: install it (k8s/prerequisites.sh), or set rollouts.enabled=false. When rendering without a cluster, add --api-versions gateway.networking.k8s.io/v1" }}
{{- end }}
{{- else if .Values.rollouts.host }}
{{- fail "rollouts.host is given, and in Knative mode the public host is Knative's own: leave it empty" }}
{{- end }}
{{- end }}
