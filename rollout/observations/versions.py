"""The registry, as a rollout needs it."""

from datetime import UTC, datetime

from matchday.registry import CHAMPION, ModelVersion, Registry, RegistryError

ROLLED_BACK = "matchday.rollout.rolled_back"
"""Tag of a version: when a rollout last took it back and why, as `ISO-TIME REASON`; empty once it is champion."""
LONGEST = 1000
"""Characters of a reason that are kept; MLflow takes a tag of 5000."""


class RegisteredVersions:
    """Versions of the registry; every method raises RegistryError, in the registry's own words."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def champion(self, model: str) -> str:
        """The version that the alias `champion` means."""
        return self.resolve(model, CHAMPION)

    def resolve(self, model: str, candidate: str) -> str:
        """The version that a version or alias means."""
        return self._found(model, candidate).version

    def crown(self, model: str, version: str) -> None:
        """Make a version the champion; that a rollout once took it back is forgotten."""
        self._registry.promote(model, version)
        found = self._found(model, version)
        if found.tags.get(ROLLED_BACK):
            self._registry.set_tag(found, ROLLED_BACK, "")

    def restore(self, model: str, alias: str, version: str) -> None:
        """Give a version back the alias that it lost when it was crowned, unless another has it by now."""
        if alias not in self._registry.aliases(model):
            self._registry.set_alias(model, alias, version)

    def rolled_back(self, model: str, version: str) -> float | None:
        """When a rollout last took this version back, Unix seconds."""
        said = self._found(model, version).tags.get(ROLLED_BACK, "")
        try:
            return datetime.fromisoformat(said.partition(" ")[0]).timestamp() if said else None
        except ValueError:
            raise RegistryError(
                f"tag {ROLLED_BACK} of {model} version {version} is {said[:60]!r}: write a time, or delete the tag"
            ) from None

    def mark_rolled_back(self, model: str, version: str, when: float, reason: str) -> None:
        """Remember that a rollout took this version back. when: Unix seconds."""
        moment = datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds")
        self._registry.set_tag(self._found(model, version), ROLLED_BACK, f"{moment} {reason}"[:LONGEST])

    def _found(self, model: str, candidate: str) -> ModelVersion:
        """The version that a version or alias means."""
        joint = "/" if candidate.isdigit() else "@"
        return self._registry.resolve(f"mlflow://{model}{joint}{candidate}")
