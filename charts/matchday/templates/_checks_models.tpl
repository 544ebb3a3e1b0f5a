{{/* What is checked of each model that is served: (list . "match-outcome" MODEL). */}}

{{- define "matchday.checks.model" -}}
{{- $model := index . 2 }}
{{- $key := printf "models.%s" (index . 1) }}
{{- include "matchday.checks.kserve" (list (index . 0) $key $model) }}
{{- include "matchday.checks.name" . }}
{{- include "matchday.checks.scale" (list $key $model) }}
{{- if (index . 0).Values.rollouts.enabled }}
{{- include "matchday.checks.rollout" . }}
{{- end }}
{{- end }}

{{/* What the cluster lacks: (list . "models.match-outcome" MODEL). */}}
{{- define "matchday.checks.kserve" -}}
{{- $has := (index . 0).Capabilities.APIVersions }}
{{- $key := index . 1 }}
{{- $model := index . 2 }}
{{- if not ($has.Has "serving.kserve.io/v1beta1") }}
{{- fail (printf "KServe is not in this cluster: install it (k8s/prerequisites.sh), or set %s.enabled=false. When rendering without a cluster, add --api-versions serving.kserve.io/v1beta1" $key) }}
{{- end }}
{{- if and (eq $model.mode "Knative") (not ($has.Has "serving.knative.dev/v1")) }}
{{- fail (printf "%s.mode is Knative, and Knative Serving is not in this cluster: install it, or set %s.mode=Standard. When rendering without a cluster, add --api-versions serving.knative.dev/v1" $key $key) }}
{{- end }}
{{- if and (eq $model.autoscaling.class "keda") (not ($has.Has "keda.sh/v1alpha1")) }}
{{- fail (printf "%s.autoscaling.class is keda, and KEDA is not in this cluster: install it, or use hpa. When rendering without a cluster, add --api-versions keda.sh/v1alpha1" $key) }}
{{- end }}
{{- end }}

{{/* The server answers under the registered model's name, and clients use the InferenceService's: one name for both. */}}
{{- define "matchday.checks.name" -}}
{{- $name := index . 1 }}
{{- $uri := (index . 2).storageUri }}
{{- if ne (regexFind "^mlflow://[^@/]+" $uri) (printf "mlflow://%s" $name) }}
{{- fail (printf "models.%s.storageUri is %s, which is another model: an entry has the name of the model that it serves" $name $uri) }}
{{- end }}
{{- $job := include "matchday.partname" (list (index . 0) "train-champion" $name) }}
{{- if gt (len $job) 63 }}
{{- fail (printf "the Job %s would have a name of more than 63 characters: give a shorter fullnameOverride" $job) }}
{{- end }}
{{- end }}

{{/* How many pods: (list "models.match-outcome" MODEL). */}}
{{- define "matchday.checks.scale" -}}
{{- $key := index . 0 }}
{{- with index . 1 }}
{{- if and (eq .mode "Standard") (lt (int .replicas) 1) }}
{{- fail (printf "%s.replicas is 0, which only Knative mode knows: give 1 or more" $key) }}
{{- end }}
{{- if and (eq .mode "Knative") (ne .autoscaling.class "none") }}
{{- fail (printf "%s.autoscaling.class=%s does nothing in Knative mode, which scales by itself: leave it at none" $key .autoscaling.class) }}
{{- end }}
{{- if and (or (ne .autoscaling.class "none") (eq .mode "Knative")) (lt (int .autoscaling.maxReplicas) (int .replicas)) }}
{{- fail (printf "%s.autoscaling.maxReplicas=%d is less than %s.replicas=%d: raise it" $key (int .autoscaling.maxReplicas) $key (int .replicas)) }}
{{- end }}
{{- if and (eq .autoscaling.class "keda") (not (and .autoscaling.prometheus.address .autoscaling.prometheus.query .autoscaling.prometheus.threshold)) }}
{{- fail (printf "%s.autoscaling.class is keda: give %s.autoscaling.prometheus.address, .query and .threshold, what to scale by" $key $key) }}
{{- end }}
{{- end }}
{{- end }}
