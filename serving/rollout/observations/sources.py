"""What a rollout sees: the servers' own counters, the prediction log, the lake, the registry."""

from matchday.lake import Lake
from matchday.registry import Registry
from matchday.results import Results
from matchday.settings import Settings
from serving.rollout.observations.log import LoggedRows, open_log
from serving.rollout.observations.metrics import ServerMeter
from serving.rollout.observations.panel import LeagueRows
from serving.rollout.observations.replay import RowReplay
from serving.rollout.observations.row import Rows
from serving.rollout.observations.scores import PairedScores
from serving.rollout.observations.versions import RegisteredVersions
from serving.rollout.sources import Sources
from serving.settings import ServingSettings


def sources(settings: Settings, serving: ServingSettings | None = None) -> Sources:
    """All sources that the settings name. serving: where the servers log, and the token that they want."""
    serving = serving or ServingSettings()
    registry, results, log = (
        Registry(settings.tracking_uri),
        Results(Lake(settings.lake)),
        open_log(serving.predictions),
    )
    rows: list[Rows] = [LoggedRows(log)] if log else []
    replay = RowReplay([*rows, LeagueRows(results)], serving.read_token(), serving.request_seconds)
    return Sources(ServerMeter(), replay, PairedScores(registry, log, results), RegisteredVersions(registry))
