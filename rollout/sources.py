"""Where a rollout sees what both versions do. Each source may be down: then it gives nothing, and says why in a log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from matchday.errors import MatchdayError
from rollout.judge import Cohort, Pairs
from rollout.splitter import Endpoints


class SourceError(MatchdayError):
    """A source does not answer, or not in its own words."""


class Meter(Protocol):
    """What servers have counted since they started."""

    def read(self, model: str, version: str, endpoints: Sequence[str]) -> Mapping[str, Cohort]:
        """By endpoint; those that do not answer are left out. Raises SourceError when none can be read."""


class Replay(Protocol):
    """Rows that both versions answer."""

    def pairs(self, model: str, endpoints: Endpoints, rows: int) -> Pairs:
        """The answers of both to the same rows, at most `rows`. Raises SourceError."""


class Scores(Protocol):
    """Paired scores of two versions: candidate minus champion, lower is better."""

    def history(self, model: str, stable: str, candidate: str, weeks: int) -> NDArray[np.float64] | None:
        """On the walk-forward forecasts of the last weeks that both have; None when they share none."""

    def live(self, model: str, stable: str, candidate: str) -> NDArray[np.float64] | None:
        """On matches with a result by now that both have forecast before kick-off; None where nothing is logged."""


class VersionRegistry(Protocol):
    """The registry, as a rollout needs it. Raises MatchdayError."""

    def champion(self, model: str) -> str:
        """The version that the alias `champion` means."""

    def resolve(self, model: str, candidate: str) -> str:
        """The version that a version or alias means."""

    def crown(self, model: str, version: str) -> None:
        """Make a version the champion."""

    def restore(self, model: str, alias: str, version: str) -> None:
        """Give a version back the alias that it lost when it was crowned, unless another has it by now."""

    def rolled_back(self, model: str, version: str) -> float | None:
        """When a rollout last took this version back, Unix seconds."""

    def mark_rolled_back(self, model: str, version: str, when: float, reason: str) -> None:
        """Remember that a rollout took this version back."""


@dataclass(frozen=True)
class Sources:
    """All that a rollout reads."""

    meter: Meter
    replay: Replay
    scores: Scores
    versions: VersionRegistry
