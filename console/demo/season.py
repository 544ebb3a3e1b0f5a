"""Two gameweeks of 2025/26, lived through the stand-in of the live sources: update, forecast, results, scores.

All of it lies in a home of its own below the real one. What takes long is made by the first play and kept: a bundled
history that ends with 2024/25, a champion trained on it, and what was collected until the first gameweek.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from console.demo.upstream.season import PastSeason
from console.demo.upstream.server import TOKEN, UpstreamServer
from console.operations import training
from console.operations.events import LocalEvent, LocalRunFinished
from matchday import history
from matchday.bundle import read_bundle
from matchday.collected.configured import SourceSettings
from matchday.collected.configured_update import update_place
from matchday.collected.report import UpdateReport
from matchday.collected.settled import Place
from matchday.features import tables
from matchday.forecasts.record import ForecastRecord
from matchday.forecasts.run import CHAMPION, ComingForecasts, forecast_and_record
from matchday.forecasts.scores import ScoredForecast, score_recorded
from matchday.lake import Lake
from matchday.lake.reader import LakeReader
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.registry.names import sqlite_file
from matchday.registry.stored import find_stored
from matchday.settings import Settings
from matchday.sources.snapshot import SUMS, TABLES, Snapshot, write
from serving.storage import fetch, open_registry

SEASON, TRAINED_AS_OF = "2526", "2025-08-01"
GAMEWEEKS = (13, 14)
BEFORE_DEADLINE, AFTER_MATCHES = timedelta(hours=6), timedelta(hours=6)
SOURCES = "fpl,football_data_uk"


@dataclass
class SeasonStage:
    """The home of the scene, the stand-in, and the date that both live in."""

    settings: Settings
    server: UpstreamServer

    @property
    def now(self) -> datetime:
        """The date of the scene."""
        return self.server.now

    def go_to(self, moment: datetime) -> None:
        """Let time pass until a moment."""
        self.server.now = moment

    def deadline(self, gameweek: int) -> datetime:
        """Some hours before the deadline of a gameweek."""
        return self.server.season.deadlines[gameweek] - BEFORE_DEADLINE

    def end(self, gameweek: int) -> datetime:
        """Some hours after the last kick-off of a gameweek."""
        kickoffs = [one.kickoff for one in self.server.season.matches if one.gameweek == gameweek]
        return max(kickoffs) + AFTER_MATCHES

    def update(self) -> UpdateReport:
        """Ask the stand-in, as `matchday data update` asks the sources. Raises MatchdayError."""
        url = self.server.url
        sources = SourceSettings(
            sources=SOURCES,
            fpl_url=f"{url}/api",
            football_data_uk_url=url,
            football_data_org_url=url,
            football_data_token=TOKEN,
        )
        place = Place(self.settings.collected, self.settings.lake, self.settings.snapshot)
        return update_place(place, sources, self._clock)

    def make_features(self) -> None:
        """Features of what is new in the lake."""
        lake = Lake(self.settings.lake)
        tables.build(lake, history.fingerprint(lake))

    def forecast(self) -> ComingForecasts:
        """Forecast the coming gameweek with the champion, and record the forecasts."""
        champion = fetch(CHAMPION, self.settings.home, open_registry(self.settings.tracking_uri))
        return forecast_and_record(self.settings, read_bundle(champion.folder), None, 1, self._clock)

    def scores(self, gameweek: int) -> list[ScoredForecast]:
        """The recorded forecasts of a gameweek beside the results."""
        rows = [
            row for row in ForecastRecord(self.settings.collected).read() if row.forecast.match.gameweek == gameweek
        ]
        return score_recorded(rows, LakeReader(self.settings.lake))

    def check_record(self) -> list[str]:
        """What is wrong with the record: nothing, if no forecast was changed after it was made."""
        return ForecastRecord(self.settings.collected).check()

    def _clock(self) -> datetime:
        """The date of the scene, a little later each time: observations are ordered by it."""
        self.server.now += timedelta(microseconds=1)
        return self.server.now


@contextmanager
def open_season(on_event: Callable[[LocalEvent | LocalRunFinished], None]) -> Iterator[SeasonStage]:
    """The stage, days before the first gameweek. The stand-in stops when the block is left. Raises MatchdayError."""
    real = Settings()
    folder = real.home.resolve() / "demonstration" / "season"
    _keep_past(Snapshot(real.snapshot), folder)
    settings = Settings(
        home=folder / "home",
        snapshot=folder / "data",
        MATCHDAY_LAKE=None,
        MATCHDAY_COLLECTED=None,
        MATCHDAY_TRACKING_URI=None,
        MATCHDAY_ONLINE_STORE=None,
        MATCHDAY_FEAST_REGISTRY=None,
    )
    with UpstreamServer(PastSeason(Snapshot(real.snapshot), SEASON)) as server:
        stage = SeasonStage(settings, server)
        _ensure_champion(settings, on_event)
        _begin(stage, folder / "before")
        yield stage


def _keep_past(snapshot: Snapshot, folder: Path) -> None:
    """Write the history before the season to `folder/data`; all that was made of another history is deleted."""
    made_of = folder / SUMS
    sums = (snapshot.folder / SUMS).read_text(encoding="utf-8")
    if made_of.is_file() and made_of.read_text(encoding="utf-8") == sums:
        return
    shutil.rmtree(folder, ignore_errors=True)
    past = {table: rows[rows["season"] < SEASON] for table in TABLES for rows in [snapshot.load(table)]}
    write(folder / "data", past)
    made_of.write_text(sums, encoding="utf-8")


def _ensure_champion(settings: Settings, on_event: Callable[[LocalEvent | LocalRunFinished], None]) -> None:
    """Train the champion of the season's beginning, as `make demo` trains one, unless an earlier play did."""
    database = sqlite_file(settings.tracking_uri)
    if database and find_stored(database, CHAMPION):
        return
    with _environment(MATCHDAY_HOME=str(settings.home), MATCHDAY_SNAPSHOT=str(settings.snapshot)):
        on_event(training.train(MATCH_OUTCOME.name, training.training_moment(TRAINED_AS_OF), on_event))


def _begin(stage: SeasonStage, before: Path) -> None:
    """What was collected until two days before the first gameweek's deadline: made once, then copied."""
    collected = Path(stage.settings.collected)
    shutil.rmtree(collected, ignore_errors=True)
    stage.go_to(stage.deadline(GAMEWEEKS[0]) - timedelta(days=2))
    if before.is_dir():
        shutil.copytree(before, collected)
        return
    stage.update()
    draft = before.with_name(".before")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(collected, draft)
    draft.rename(before)


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Variables of this process and of its steps. The real home's addresses are left out."""
    left_out = ("MATCHDAY_LAKE", "MATCHDAY_COLLECTED", "MATCHDAY_TRACKING_URI", "MATCHDAY_ONLINE_STORE")
    former = {name: os.environ.get(name) for name in (*variables, *left_out, "MATCHDAY_FEAST_REGISTRY")}
    for name in former:
        os.environ.pop(name, None)
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in former.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
