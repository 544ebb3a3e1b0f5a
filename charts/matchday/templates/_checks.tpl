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
{{- if and (ne .autoscaling.class "none") (lt (int .autoscaling.maxReplicas) (int .replicas)) }}
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
