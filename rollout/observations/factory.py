"""What a rollout sees: the servers' own counters, the prediction log, the lake, the registry."""

from collections.abc import Callable

from matchday.lake import Lake
from matchday.registry import Registry
from matchday.results import Results
from matchday.settings import Settings
from rollout.observations.log import LoggedRows, open_log
from rollout.observations.pairings import LeaguePairings
from rollout.observations.replay import RowReplay
from rollout.observations.row import RowSource
from rollout.observations.scores import PairedScores
from rollout.observations.server_meter import ServerMeter
from rollout.observations.versions import RegisteredVersions
from rollout.sources import Sources
from serving.settings import ServingSettings


def open_sources(
    settings: Settings, serving: ServingSettings | None = None, may_write: Callable[[], None] = lambda: None
) -> Sources:
    """All sources that the settings name. serving: where the servers log, and the token that they want.

    may_write: raises when the registry may not be written now.
    """
    serving = serving or ServingSettings()
    registry, results = Registry(settings.tracking_uri, may_write), Results(Lake(settings.lake))
    log = open_log(serving.predictions)
    rows: list[RowSource] = [LoggedRows(log)] if log else []
    replay = RowReplay([*rows, LeaguePairings(results)], serving.read_token(), serving.request_seconds)
    return Sources(ServerMeter(), replay, PairedScores(registry, log, results), RegisteredVersions(registry))
