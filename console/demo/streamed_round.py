"""The last round before a gameweek, streamed to a copy of the lake and the online store from which a server answers."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

import pandas as pd

from console.demo.gameweek import MODEL, questions_of
from console.operations import forecasts, streaming
from console.operations.forecasts import MatchForecasts, MatchQuestion
from feature_repo.stream.comparison import StreamComparison
from feature_repo.stream.opening import Feed
from feature_repo.stream.past import INPUTS
from matchday import telemetry
from matchday.bundle import read_bundle
from matchday.calendar import ROUND, Gameweek
from matchday.errors import MatchdayError
from matchday.events import CloudEvent, Topic
from matchday.features.team import FULL_TIME
from matchday.forecasts.run import CHAMPION
from matchday.lake import Lake
from matchday.settings import Settings
from matchday.storage import Storage
from matchday.stream.messages import match_events
from matchday.stream.replay import REVISION, SOURCE
from matchday.tables import Appearances, Matches
from serving import server
from serving.settings import PREFIX, ServingSettings
from serving.storage import fetch, open_registry

HOST = "127.0.0.1"
PAUSE_SECONDS = 0.02
WAIT_SECONDS = 30.0
"""Longest wait for a forecast that changes."""


class NoRound(MatchdayError):
    """No match of the season had ended: there is nothing to stream."""


@dataclass(frozen=True)
class StreamedMatch:
    """A match whose events were processed. seconds: from its events to the features that are made of them."""

    home: str
    away: str
    kickoff: datetime
    goals: tuple[int, int]
    events: int
    seconds: float


@dataclass(frozen=True)
class NewForecast:
    """A forecast that a match has changed. seconds: from the match's events to the answer. trace: its id, for both."""

    question: MatchQuestion
    seconds: float
    trace: str


@dataclass
class RoundStage:
    """A server over an online store that knows nothing of the round, and the processor that writes to it.

    since: the moment that the store was filled as of. matches: rows of `Matches`, of the round.
    """

    settings: Settings
    gameweek: Gameweek
    since: datetime
    matches: pd.DataFrame
    feed: Feed
    url: str

    def __post_init__(self) -> None:
        appearances = Lake(self.settings.lake).read(Appearances, [self.gameweek.season])
        events = match_events(
            self.matches, appearances[appearances["match_id"].isin(self.matches["match_id"])], SOURCE, REVISION
        )
        self._events = {key: list(of_match) for key, of_match in groupby(events, lambda pair: pair[1].key)}

    @property
    def rounds(self) -> str:
        """The gameweeks that the matches belong to: `gameweek 37`."""
        numbers = sorted({int(number) for number in self.matches["gameweek"].dropna()})
        return f"gameweek{'s' if len(numbers) > 1 else ''} {' and '.join(map(str, numbers))}"

    def ask(self) -> MatchForecasts:
        """What the server forecasts of the gameweek. Raises ForecastError."""
        return forecasts.ask(self.url, MODEL, questions_of(self.gameweek))

    def stream(self) -> Iterator[StreamedMatch | NewForecast]:
        """Process the round, match by match in order of their ends; then how the last one came to a new forecast.

        Raises MatchdayError when no forecast changes.
        """
        *earlier, last = self._events
        for match in earlier:
            yield self._process(match)
        time.sleep(ServingSettings().features_fresh_seconds)  # as long the server goes on with rows that it has read
        before = self.ask()
        with telemetry.span("match", match=last):
            began = time.monotonic()
            streamed, changed = self._process(last), self._await_change(before, began)
        yield streamed
        yield changed

    def verify(self) -> StreamComparison:
        """Compare the features of the season with those of the batch path. Raises MatchdayError."""
        return streaming.verify(self.gameweek.season, self.settings, self.since)

    def _process(self, match: str) -> StreamedMatch:
        (row,) = self.matches[self.matches["match_id"] == match].to_dict("records")
        began = time.monotonic()
        with telemetry.span("send", kind="producer", match=match):
            parent = telemetry.traceparent()
            said: list[tuple[Topic, CloudEvent]] = [
                (topic, event._replace(traceparent=parent)) for topic, event in self._events[match]
            ]
        outcome = self.feed.send(said)
        if outcome.poison:
            raise MatchdayError(f"events of {match} went to the dead letters: {', '.join(outcome.poison)}")
        goals = (int(row["home_goals"]), int(row["away_goals"]))
        return StreamedMatch(
            row["home"], row["away"], row["kickoff"].to_pydatetime(), goals, len(said), time.monotonic() - began
        )

    def _await_change(self, before: MatchForecasts, began: float) -> NewForecast:
        while time.monotonic() < began + WAIT_SECONDS:
            after = self.ask()
            for question, old, new in zip(questions_of(self.gameweek), before.rows, after.rows, strict=True):
                if old != new:
                    trace = (telemetry.traceparent() or "-").split("-")[1]
                    return NewForecast(question, time.monotonic() - began, trace)
            time.sleep(PAUSE_SECONDS)
        raise MatchdayError(f"no forecast changed within {WAIT_SECONDS:g} s")


@contextmanager
def open_round(gameweek: Gameweek, port: int) -> Iterator[RoundStage]:
    """The stage, its server ready; the server stops when the block is left. Raises NoRound, MatchdayError."""
    real = Settings()
    server.check_port(HOST, port)
    matches, since = last_round(Lake(real.lake).read(Matches, [gameweek.season]), gameweek.as_of)
    champion = fetch(CHAMPION, real.home, open_registry(real.tracking_uri))
    learnt = read_bundle(champion.folder).signature.trained_until
    if learnt and datetime.fromisoformat(learnt) > gameweek.as_of:
        raise MatchdayError(f"the champion has learnt from after {gameweek.as_of:%Y-%m-%d}: choose a later date")
    settings = copy_lake(real, real.home.resolve() / "demonstration" / "stream")
    feed = Feed(settings, since)
    feed.start(gameweek.season)
    change = server.environment(champion, HOST, port) | {PREFIX + "ONLINE_STORE": settings.online_store}
    with server.started(change) as process:
        server.wait_ready(process, HOST, port)
        yield RoundStage(settings, gameweek, since, matches, feed, f"http://{HOST}:{port}")


def last_round(matches: pd.DataFrame, as_of: datetime) -> tuple[pd.DataFrame, datetime]:
    """The last ten matches of a season that had ended by a moment, with those of the same first day; that day's start.

    matches: rows of `Matches`. Raises NoRound.
    """
    ended = matches[matches["kickoff"] + FULL_TIME <= as_of].sort_values(["kickoff", "match_id"])
    if ended.empty:
        raise NoRound(f"no match of the season had ended by {as_of:%Y-%m-%d}: there is nothing to stream")
    since = ended["kickoff"].tail(ROUND).min().floor("D")
    return ended[ended["kickoff"] >= since], since.to_pydatetime()


def copy_lake(real: Settings, folder: Path) -> Settings:
    """Copy what features are made of from the lake to a folder; settings with it, and with a store of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    settings = Settings(
        home=folder,
        MATCHDAY_LAKE=None,
        MATCHDAY_ONLINE_STORE=None,
        MATCHDAY_FEAST_REGISTRY=None,
        MATCHDAY_COLLECTED=None,
    )
    source, target = Storage(real.lake), Storage(settings.lake)
    for path in source.files(""):
        if path.split("/")[0] in INPUTS:
            target.write(path, source.read(path))
    return settings
