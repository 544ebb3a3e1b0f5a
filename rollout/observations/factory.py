"""Opens the sources of a rollout: the servers' counters, the prediction log, the lake, the registry."""

from collections.abc import Callable

from matchday.lake import Lake
from matchday.registry import Registry
from matchday.results import Results
from matchday.settings import Settings
from rollout.observations.load_replay import LoadReplay
from rollout.observations.log import LoggedRows, open_log
from rollout.observations.mirrored import MirroredAnswers
from rollout.observations.pairings import LeaguePairings
from rollout.observations.panel import PanelReplay
from rollout.observations.prometheus import PrometheusClient
from rollout.observations.replay import RowReplay
from rollout.observations.row import RowSource
from rollout.observations.scores import PairedScores
from rollout.observations.server_meter import ServerMeter
from rollout.observations.versions import RegisteredVersions
from rollout.sources import Sources
from serving.settings import ServingSettings


def open_sources(
    settings: Settings,
    serving: ServingSettings | None = None,
    may_write: Callable[[], None] = lambda: None,
    prometheus_url: str = "",
) -> Sources:
    """All sources that the settings name. serving: address of the prediction log, and the servers' token.

    prometheus_url: of the Prometheus that PromQL gates are asked of; empty: none.

    may_write: called before each write to the registry; raises when this process may not write now.
    """
    serving = serving or ServingSettings()
    registry, results = Registry(settings.tracking_uri, may_write), Results(Lake(settings.lake))
    log = open_log(serving.predictions)
    rows: list[RowSource] = [LoggedRows(log)] if log else []
    replay = RowReplay([*rows, LeaguePairings(results)], serving.read_token(), serving.request_seconds)
    scores, versions = PairedScores(registry, log, results), RegisteredVersions(registry)
    mirrored = MirroredAnswers(log) if log else None
    queries = PrometheusClient(prometheus_url) if prometheus_url else None
    return Sources(
        ServerMeter(),
        replay,
        scores,
        versions,
        load=LoadReplay(replay),
        mirrored=mirrored,
        queries=queries,
        panel=PanelReplay(),
    )
