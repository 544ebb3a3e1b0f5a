"""Versions of a model that no registry holds: named by the storage that the InferenceService serves it from."""

from matchday.patience import NotYet
from rollout.kubernetes.client import ApiError
from rollout.kubernetes.splitters.inference_service import InferenceService, uri_of, version_of_uri


class StorageVersions:
    """In place of the model registry: the champion is what the service serves, the candidate what the spec names.

    A promotion moves the service's storageUri, so there is no alias to give, and nothing to mark a version with: the
    same ModelRollout does not try a storageUri again by itself.
    """

    def __init__(self, service: InferenceService, candidate_uri: str) -> None:
        self._service = service
        self._candidate_uri = candidate_uri

    def champion(self, model: str) -> str:
        """The version that the service serves. Raises Unsplittable without a service, NotYet without an API."""
        try:
            return version_of_uri(uri_of(self._service.get()))
        except ApiError as error:
            raise NotYet(str(error)) from None

    def resolve(self, model: str, candidate: str) -> str:
        """The version of the specification's storageUri."""
        return version_of_uri(self._candidate_uri)

    def promote(self, model: str, version: str) -> None:
        """Nothing: the service itself says what is served."""

    def restore_alias(self, model: str, alias: str, version: str) -> None:
        """Nothing: there are no aliases."""

    def rolled_back_at(self, model: str, version: str) -> float | None:
        """Not known."""
        return None

    def mark_rolled_back(self, model: str, version: str, when: float, reason: str) -> None:
        """Nothing: there is no record of a version."""
