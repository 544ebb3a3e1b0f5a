"""Model registry of a rollout: champion, aliases and the mark of a roll-back."""

from datetime import UTC, datetime

from matchday.registry import CHAMPION, ModelVersion, Registry, RegistryError

ROLLED_BACK = "matchday.rollout.rolled_back"
"""Tag of a version: when a rollout last rolled it back and why, as `ISO-TIME REASON`; empty once it is champion."""
MOST_CHARACTERS = 1000
"""Of a reason; MLflow takes a tag of 5000."""


class RegisteredVersions:
    """Versions in MLflow. All methods raise RegistryError with the registry's own message."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def champion(self, model: str) -> str:
        """The version with the alias `champion`."""
        return self.resolve(model, CHAMPION)

    def resolve(self, model: str, candidate: str) -> str:
        """The version of a version number or alias."""
        return self._find(model, candidate).version

    def promote(self, model: str, version: str) -> None:
        """Give a version the alias `champion`, and remove the mark of an earlier roll-back."""
        self._registry.promote(model, version)
        found = self._find(model, version)
        if found.tags.get(ROLLED_BACK):
            self._registry.set_tag(found, ROLLED_BACK, "")

    def restore_alias(self, model: str, alias: str, version: str) -> None:
        """Give a version back the alias that its promotion took, unless another version has it by now."""
        if alias not in self._registry.aliases(model):
            self._registry.set_alias(model, alias, version)

    def rolled_back_at(self, model: str, version: str) -> float | None:
        """When a rollout last rolled this version back, Unix seconds; None when never."""
        tag = self._find(model, version).tags.get(ROLLED_BACK, "")
        try:
            return datetime.fromisoformat(tag.partition(" ")[0]).timestamp() if tag else None
        except ValueError:
            raise RegistryError(
                f"tag {ROLLED_BACK} of {model} version {version} is {tag[:60]!r}: write a time, or delete the tag"
            ) from None

    def mark_rolled_back(self, model: str, version: str, when: float, reason: str) -> None:
        """Record that a rollout rolled this version back. when: Unix seconds."""
        moment = datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds")
        self._registry.set_tag(self._find(model, version), ROLLED_BACK, f"{moment} {reason}"[:MOST_CHARACTERS])

    def _find(self, model: str, candidate: str) -> ModelVersion:
        joint = "/" if candidate.isdigit() else "@"
        return self._registry.resolve(f"mlflow://{model}{joint}{candidate}")
