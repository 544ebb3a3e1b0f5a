"""What a rollout of this machine sees: its servers' own counters, the prediction log, the lake, the registry."""

from collections.abc import Sequence
from pathlib import Path

from matchday.errors import MatchdayError
from matchday.lake import Lake
from matchday.registry import Registry
from matchday.results import Results
from matchday.settings import Settings
from serving.log import Address
from serving.rollout.observations.log import Log, LoggedRows
from serving.rollout.observations.metrics import ServerMeter
from serving.rollout.observations.panel import Panel
from serving.rollout.observations.replay import RowReplay
from serving.rollout.observations.row import Row, Rows
from serving.rollout.observations.scores import PairedScores
from serving.rollout.observations.versions import RegisteredVersions
from serving.rollout.sources import SourceError, Sources
from serving.settings import ServingSettings


def sources(settings: Settings, serving: ServingSettings | None = None) -> Sources:
    """All sources of this machine. serving: where the servers log, and the token that they want."""
    serving = serving or ServingSettings()
    registry, results, log = Registry(settings.tracking_uri), Results(Lake(settings.lake)), _log(serving)
    rows: list[Rows] = [LoggedRows(log)] if log else []
    replay = RowReplay([*rows, LeagueRows(results)], _token(serving), serving.request_seconds)
    return Sources(ServerMeter(), replay, PairedScores(registry, log, results), RegisteredVersions(registry))


class LeagueRows:
    """A panel of the teams that played in the latest season of the lake."""

    def __init__(self, results: Results) -> None:
        self._results = results

    def rows(self, model: str, most: int) -> Sequence[Row]:
        """At most so many matches. Raises SourceError when no season is known."""
        try:
            matches = self._results.matches()
        except MatchdayError as error:
            raise SourceError(f"there are no teams to ask for: {error}") from None
        latest = matches[matches["season"] == matches["season"].max()]
        return Panel(sorted({*latest["home"], *latest["away"]})).rows(model, most)


def _log(serving: ServingSettings) -> Log | None:
    """The prediction log, where the servers keep one."""
    if not serving.predictions:
        return None
    address = Address.parse(serving.predictions)
    if address.kind == "file":
        from serving.rollout.observations.log_file import FileLog

        return FileLog(address.places[0])
    from serving.rollout.observations.log_topic import TopicLog

    return TopicLog(address.places)


def _token(serving: ServingSettings) -> str:
    if serving.token_file:
        return Path(serving.token_file).read_text(encoding="utf-8").strip()
    return serving.token.get_secret_value() if serving.token else ""
