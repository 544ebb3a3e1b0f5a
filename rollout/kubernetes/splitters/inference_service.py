"""InferenceService with shared ownership: the chart creates it, KServe runs it, a rollout applies its own fields."""

import re
import zlib
from typing import Any

from rollout.kubernetes.api import Api, ObjectNotFound
from rollout.kubernetes.client import Object
from rollout.kubernetes.kinds import INFERENCE_SERVICE
from rollout.kubernetes.leftover import STABLE
from rollout.kubernetes.pods import PIN
from rollout.splitter import SplitError, Unsplittable

MODE = "serving.kserve.io/deploymentMode"
AUTOSCALER = "serving.kserve.io/autoscalerClass"
"""Annotation that says what sizes a predictor's Deployment: `none` (KServe itself), `hpa`, `keda` or `external`."""
DEFAULT_AUTOSCALER = "hpa"
NAMES = {"RawDeployment": "Standard", "Serverless": "Knative"}
"""Former names of KServe's modes."""
FORMER = "matchday.io/former-storage-uri"
"""Annotation of a predictor that no registry knows: what the service served before."""
REGISTRY = "mlflow://"
"""Scheme of what the model registry holds."""
MOST_CHARACTERS = 12
"""Of the readable part of a version: it becomes part of the names of a candidate's objects."""


class InferenceService:
    """One service. Reads are fresh; `apply` writes exactly the fields that a rollout owns.

    candidate_uri: storage of the candidate, where no registry holds the model; empty where one does.
    """

    def __init__(self, api: Api, name: str, model: str, candidate_uri: str = "") -> None:
        self._api = api
        self._candidate_uri = candidate_uri
        self.name = name
        self.model = model

    def get(self) -> Object:
        """Read it. Raises Unsplittable where there is none."""
        try:
            return self._api.get(INFERENCE_SERVICE, self.name)
        except ObjectNotFound:
            missing = f"no InferenceService {self.name} in {self._api.namespace}"
            raise Unsplittable(f"{missing}, or no KServe in this cluster: install it, or name another") from None

    def find(self) -> Object | None:
        """Read it; None where there is none."""
        return self._api.find(INFERENCE_SERVICE, self.name)

    def check(self, mode: str, stable: str = "") -> Object:
        """Raises Unsplittable unless its traffic can be split in this mode, and unless it is pinned to `stable`."""
        service = self.get()
        annotations = service["metadata"].get("annotations") or {}
        annotated = mode_of(annotations.get(MODE, ""))
        actual = mode_of(service.get("status", {}).get("deploymentMode", ""))
        if actual and annotated and annotated != actual:
            raise Unsplittable(
                f"{self.name} is annotated as {annotated} and runs as {actual}: KServe does not change a service's "
                "mode, delete it and create it again"
            )
        if (actual or annotated) != mode:
            known = actual or annotated or "no known"
            raise Unsplittable(f"{self.name} runs in {known} mode, and this splits {mode} mode")
        if service["spec"].get("transformer"):
            raise Unsplittable(
                f"{self.name} has a separate transformer, whose requests go to either version whatever it was asked "
                "by: look features up in the predictor, as Matchday's own server does"
            )
        self._check_uri(service)
        if stable and self.pin(service) not in ("", stable):
            raise Unsplittable(
                f"{self.name} serves version {pin_of(service)}, which a rollout let in, and the alias champion means "
                f"{stable} by now: put the alias back, 'matchday model promote {pin_of(service)}'"
            )
        return service

    def apply(self, predictor: Object, **others: Any) -> Object:
        """Own these fields of its spec, and no others any more."""
        return self._api.apply(INFERENCE_SERVICE, self.name, {"spec": {"predictor": predictor, **others}})

    def pin(self, service: Object) -> str:
        """The version that the stable predictor is pinned to; empty while it is not, or serves another storage."""
        pin = pin_of(service)
        return pin if not self._candidate_uri or pin == version_of_uri(uri_of(service)) else ""

    def storage_of(self, service: Object, version: str) -> str:
        """The storage URI of a version. Raises SplitError for one that the service does not know any more."""
        if not self._candidate_uri:
            return f"{REGISTRY}{self.model}/{version}"
        noted = [former_of(each) for each in (service, *_canaries_of(service))]
        for uri in (uri_of(service), self._candidate_uri, *noted):
            if uri and version_of_uri(uri) == version:
                return uri
        raise SplitError(f"{self.name} says no more what the storageUri of {version} was: set it by hand")

    def apply_pin(self, version: str, **others: Any) -> Object:
        """Pin the stable predictor to a version, and give it that version's storage where no registry resolves it."""
        predictor = pinned(version)
        if self._candidate_uri:
            service = self.get()
            now, wanted = uri_of(service), self.storage_of(service, version)
            former = now if wanted != now else former_of(service)
            annotations = predictor["annotations"] | ({FORMER: former} if former else {})
            predictor = {"annotations": annotations, "model": {"storageUri": wanted}}
        return self.apply(predictor, **others)

    def _check_uri(self, service: Object) -> None:
        uri = uri_of(service)
        if self._candidate_uri:
            if not uri or uri.startswith(REGISTRY):
                raise Unsplittable(
                    f"{self.name} serves {uri or 'no storageUri'}, and spec.storageUri is for models that no registry "
                    "holds: name a version or alias in spec.candidate, or give the service a storageUri"
                )
            return
        if uri != f"mlflow://{self.model}@champion":
            raise Unsplittable(
                f"{self.name} serves {uri or 'no model'}, and a rollout promotes what serves "
                f"mlflow://{self.model}@champion: give it that storageUri"
            )


def mode_of(name: str) -> str:
    """A mode by its present name."""
    return NAMES.get(name, name)


def predictor_of(service: Object) -> Object:
    """The stable predictor."""
    return dict(service["spec"].get("predictor") or {})


def autoscaler_of(service: Object) -> str:
    """What sizes the stable predictor's Deployment."""
    return str((service["metadata"].get("annotations") or {}).get(AUTOSCALER) or DEFAULT_AUTOSCALER)


def replicas_of(service: Object) -> tuple[int, int]:
    """Least and greatest number of pods of the stable predictor."""
    least = int(predictor_of(service).get("minReplicas") or 1)
    return least, max(least, int(predictor_of(service).get("maxReplicas") or 0))


def uri_of(service: Object) -> str:
    """The storage URI of the stable predictor's model."""
    return str((predictor_of(service).get("model") or {}).get("storageUri") or "")


def pin_of(service: Object) -> str:
    """The version that the stable predictor is pinned to; empty while it is not pinned."""
    return str((predictor_of(service).get("annotations") or {}).get(PIN, ""))


def _canaries_of(service: Object) -> list[Object]:
    """Canary entries in the form of services: what was served when they came is noted in them."""
    return [{"spec": {"predictor": entry.get("predictor")}} for entry in service["spec"].get("canary") or []]


def former_of(service: Object) -> str:
    """The storage URI that the service had before its present one; empty where it does not say."""
    return str((predictor_of(service).get("annotations") or {}).get(FORMER, ""))


def version_of_uri(uri: str) -> str:
    """A short name for a storage URI, such as `v8-1c291ca3` for s3://models/churn/v8; another URI has another one."""
    last = re.sub(r"[^a-z0-9]+", "-", uri.rstrip("/").rpartition("/")[2].lower())[:MOST_CHARACTERS].strip("-")
    return f"{last or 'uri'}-{zlib.crc32(uri.encode()):08x}"


def stable_of(service: Object) -> str:
    """The version that was served when the pinned one came; empty where it does not say."""
    return str((predictor_of(service).get("annotations") or {}).get(STABLE, ""))


def pinned(version: str, stable: str = "") -> Object:
    """The field that pins a predictor to a version. Raises SplitError without a version.

    stable: the version that was served when this one came.
    """
    if not version:
        raise SplitError("there is no version to pin yet")
    return {"annotations": {PIN: version, **({STABLE: stable} if stable else {})}}
