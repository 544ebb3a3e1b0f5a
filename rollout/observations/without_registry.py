"""Sources of an operator without Matchday's registry, lake and log: what servers count, and versions by storage."""

from matchday.registry import RegistryError
from rollout.judge import Pairs
from rollout.observations.panel import PanelReplay
from rollout.observations.server_meter import ServerMeter
from rollout.sources import SourceError, Sources
from rollout.splitter import Endpoints

REASON = "this operator has no model registry: name the candidate's storage in spec.storageUri"


class NoRegistry:
    """In place of registry, rows and scores: there are none. A rollout that asks for versions is refused."""

    def champion(self, model: str) -> str:
        """Raises RegistryError."""
        raise RegistryError(REASON)

    def resolve(self, model: str, candidate: str) -> str:
        """Raises RegistryError."""
        raise RegistryError(REASON)

    def promote(self, model: str, version: str) -> None:
        """Raises RegistryError."""
        raise RegistryError(REASON)

    def restore_alias(self, model: str, alias: str, version: str) -> None:
        """Raises RegistryError."""
        raise RegistryError(REASON)

    def rolled_back_at(self, model: str, version: str) -> float | None:
        """Raises RegistryError."""
        raise RegistryError(REASON)

    def mark_rolled_back(self, model: str, version: str, when: float, reason: str) -> None:
        """Raises RegistryError."""
        raise RegistryError(REASON)

    def pairs(self, model: str, endpoints: Endpoints, rows: int) -> Pairs:
        """Raises SourceError."""
        raise SourceError(REASON)

    def history(self, model: str, stable: str, candidate: str, weeks: int) -> None:
        """No past."""

    def live(self, model: str, stable: str, candidate: str) -> None:
        """No results."""


def open_counted_sources() -> Sources:
    """Sources that count what servers did, and ask them the panels of specifications."""
    none = NoRegistry()
    return Sources(ServerMeter(), none, none, none, panel=PanelReplay())
