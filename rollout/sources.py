"""Data sources of a rollout: protocols for request counters, replayed rows, scores and the model registry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from matchday.errors import MatchdayError
from rollout.judge import Cohort, FloatArray, Pairs
from rollout.splitter import Endpoints

SLICE_SECONDS = 5.0
"""Time that one round replays at most: the readiness of its own service waits meanwhile."""


class SourceError(MatchdayError):
    """A source does not answer, or not as expected."""


class Meter(Protocol):
    """Request counters of servers since they started."""

    def read(self, model: str, version: str, endpoints: Sequence[str], mirrored: bool = False) -> Mapping[str, Cohort]:
        """Counters by endpoint, without endpoints that do not answer. Raises SourceError when none answers.

        mirrored: copies of users' requests count as well.
        """


class Gateway(Protocol):
    """Failed requests as the gateway in front of the servers counts them, since it started."""

    def failures(self, service: str, version: str, endpoints: Sequence[str]) -> int:
        """Requests to a version of a service that ended with 5xx, a reset or a timeout. Raises SourceError.

        endpoints: URLs of its servers that are ready now.
        """


class Mirrored(Protocol):
    """Answers of both versions to requests of users that were copied to the candidate."""

    def pairs(self, model: str, stable: str, candidate: str) -> Pairs | None:
        """Each question once; None where there are none. Raises SourceError."""


class Queries(Protocol):
    """Answers queries in PromQL."""

    def ask(self, query: str) -> Mapping[str, float]:
        """Value of each series, by its labels as text; empty where there is none. Raises SourceError."""


class Replay(Protocol):
    """Asks both versions for forecasts of the same rows."""

    def pairs(self, model: str, endpoints: Endpoints, rows: int) -> Pairs:
        """Answers of both versions to at most `rows` rows. Raises SourceError."""


PanelRequest = Mapping[str, Any]
"""Body of an inference request (V2) of a specification's panel."""


class Panel(Protocol):
    """Asks both versions the requests that a specification brings."""

    def pairs(self, model: str, endpoints: Endpoints, panel: tuple[PanelRequest, ...]) -> Pairs:
        """Answers of both versions to each row. Raises SourceError."""


@dataclass(frozen=True)
class ReplayedRequests:
    """What both versions did with the same requests. stable_servers, canary_servers: by the server that was asked."""

    stable: Cohort
    canary: Cohort
    stable_servers: Mapping[str, Cohort] = field(default_factory=dict)
    canary_servers: Mapping[str, Cohort] = field(default_factory=dict)


class Load(Protocol):
    """Sends both versions the same requests, one row each, as users do."""

    def replay(
        self, model: str, endpoints: Endpoints, done: int, requests: int, per_second: float, warm: int
    ) -> ReplayedRequests:
        """At most so many requests to each version, in SLICE_SECONDS at most. done: requests so far.

        warm: first requests of all whose durations do not count. Raises SourceError.
        """


class Scores(Protocol):
    """Paired scores of two versions: candidate minus champion, lower is better."""

    def history(self, model: str, stable: str, candidate: str, weeks: int) -> FloatArray | None:
        """On walk-forward forecasts of the last weeks that both versions have; None when they share none.

        Raises MatchdayError when they cannot be read: None is for data that is absent.
        """

    def live(self, model: str, stable: str, candidate: str) -> FloatArray | None:
        """On matches with a result that both versions forecast before kick-off; None when nothing is logged.

        Raises SourceError when log or results cannot be read.
        """


class VersionRegistry(Protocol):
    """The model registry: versions, aliases and roll-back marks. All methods raise MatchdayError."""

    def champion(self, model: str) -> str:
        """The version with the alias `champion`."""

    def resolve(self, model: str, candidate: str) -> str:
        """The version of a version number or alias."""

    def promote(self, model: str, version: str) -> None:
        """Give a version the alias `champion`."""

    def restore_alias(self, model: str, alias: str, version: str) -> None:
        """Give a version back the alias that its promotion took, unless another version has it by now."""

    def rolled_back_at(self, model: str, version: str) -> float | None:
        """When a rollout last rolled this version back, Unix seconds; None when never."""

    def mark_rolled_back(self, model: str, version: str, when: float, reason: str) -> None:
        """Record that a rollout rolled this version back."""


@dataclass(frozen=True)
class Sources:
    """All sources of a rollout. Each may be down: the rollout then goes on without its data and says why.

    gateway: None where nobody counts for the servers. load: None where requests are not replayed.
    mirrored: None where no answers are logged. queries: None where there is no Prometheus. panel: None where the
    requests of a specification are not asked.
    """

    meter: Meter
    replay: Replay
    scores: Scores
    versions: VersionRegistry
    gateway: Gateway | None = None
    load: Load | None = None
    mirrored: Mirrored | None = None
    queries: Queries | None = None
    panel: Panel | None = None
