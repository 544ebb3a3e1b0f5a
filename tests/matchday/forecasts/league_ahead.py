"""A league of four teams whose matches are invented, scheduled ones among them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import numpy as np

from matchday.bundle import Bundle, read_bundle, write_bundle
from matchday.forecasts.batch import ForecastBatch
from matchday.forecasts.scheduled import OutcomeForecast, ScheduledMatch
from matchday.models.kind import ModelKind
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from tests.league import WITH_FORM
from tests.serving.graphs import network
from tests.signatures import match_signature

SEASON = "2627"
TEAMS = ("ARS", "CHE", "EVE", "LIV")
FIRST = datetime(2026, 8, 22, 14, tzinfo=UTC)
"""The kick-off of the first gameweek; the others follow weekly."""


def scheduled(
    teams: str, gameweek: int | None = 1, days: float = 0.0, season: str = SEASON, week: int | None = None
) -> ScheduledMatch:
    """ARS-LIV of a gameweek, so many days after its first day. week: when, where that is not its gameweek."""
    home, away = teams.split("-")
    kickoff = FIRST + timedelta(weeks=(week or gameweek or 1) - 1, days=days)
    return ScheduledMatch(f"{season}-{teams}", season, gameweek, kickoff, home, away)


def rounds() -> list[ScheduledMatch]:
    """Twelve matches of six gameweeks: every team plays in each."""
    pairs = list(permutations(TEAMS, 2))
    found, gameweek = [], 0
    while pairs:
        gameweek += 1
        first = pairs.pop(0)
        other = next(pair for pair in pairs if not {*pair} & {*first})
        pairs.remove(other)
        found += [scheduled("-".join(pair), gameweek) for pair in (first, other)]
    return found


def batch(
    matches: Iterable[ScheduledMatch], made_at: datetime, home_win: float = 0.5, version: str = "1"
) -> ForecastBatch:
    """A batch of forecasts that all say the same."""
    chances = (home_win, round(0.8 - home_win, 6), 0.2)
    forecasts = tuple(OutcomeForecast(match, chances) for match in matches)
    return ForecastBatch("match-outcome", version, "b" * 64, made_at, forecasts)


def outcome_bundle(folder: Path, kind: ModelKind = WITH_FORM, **changes: object) -> Bundle:
    """A bundle that forecasts outcomes from the features of match-outcome, version 7."""
    columns = len(kind.features)
    about = {
        "model": MATCH_OUTCOME.name,
        "feature_service": kind.feature_service,
        "classes": MATCH_OUTCOME.output.classes,
        "output": "probabilities",
        "trained_until": "2026-06-01T00:00:00+00:00",
        "version": "7",
    }
    signature = match_signature(kind.features, **(about | changes))
    weights = np.random.default_rng(0).normal(0, 0.01, (columns, 8)) / np.array(
        [1000 if feature.feature == "elo" else 1 for feature in kind.features]
    ).reshape(-1, 1)
    write_bundle(folder, network(columns, 3, weights=weights, output="probabilities"), signature, {}, "# A model\n")
    return read_bundle(folder)
