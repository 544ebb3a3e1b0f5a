"""Kinds of Kubernetes objects that rollouts and pipelines read or write."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ResourceKind:
    """A kind of objects. version: group and version, `v1` for the core group. plural: its name in paths."""

    version: str
    plural: str
    name: str

    def path(self, namespace: str, name: str = "", part: str = "") -> str:
        """Path of its objects, of one of them, or of a subresource such as `status`."""
        root = "/api/v1" if self.version == "v1" else f"/apis/{self.version}"
        return "/".join(filter(None, [root, "namespaces", namespace, self.plural, name, part]))


MODEL_ROLLOUT = ResourceKind("matchday.io/v1alpha1", "modelrollouts", "ModelRollout")
INFERENCE_SERVICE = ResourceKind("serving.kserve.io/v1beta1", "inferenceservices", "InferenceService")
HTTP_ROUTE = ResourceKind("gateway.networking.k8s.io/v1", "httproutes", "HTTPRoute")
KNATIVE_SERVICE = ResourceKind("serving.knative.dev/v1", "services", "Service")
LEASE = ResourceKind("coordination.k8s.io/v1", "leases", "Lease")
DEPLOYMENT = ResourceKind("apps/v1", "deployments", "Deployment")
POD_DISRUPTION_BUDGET = ResourceKind("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget")
POD = ResourceKind("v1", "pods", "Pod")
SERVICE = ResourceKind("v1", "services", "Service")
EVENT = ResourceKind("v1", "events", "Event")
CONFIG_MAP = ResourceKind("v1", "configmaps", "ConfigMap")
