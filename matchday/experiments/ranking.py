"""Ranking of a question's candidates: losses on the same matches, compared in pairs with the base."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from matchday.backtest import Walk
from matchday.models.match_outcome.reported import LATEST, weeks
from matchday.models.match_outcome.reported import SEASONS as REPORTED
from matchday.registry.trials import TrialRun
from matchday.scores.outcome import log_loss, ranked_probability
from matchday.scores.paired import PairedGap, paired_gap

PERIODS = {"all": REPORTED, "late": LATEST}
"""Seasons of the two columns that candidates are compared in."""


@dataclass(frozen=True)
class Ranked:
    """A candidate. rps, gap: by name of `PERIODS`; the gap is to the base, below 0 is better. seasons: RPS of each."""

    name: str
    base: bool
    matches: dict[str, int]
    rps: dict[str, float]
    gap: dict[str, PairedGap]
    seasons: dict[str, float]


def tell_run(name: str, position: int, settings: dict[str, object], walk: Walk) -> TrialRun:
    """What is recorded of a candidate's walk: RPS and log loss of each season, and the RPS of each match."""
    rows = walk.forecasts[["match_id", "season"]].reset_index(drop=True)
    losses = rows.assign(
        week=weeks(walk.forecasts),
        rps=ranked_probability(walk.numbers, walk.results),
        log_loss=log_loss(walk.numbers, walk.results),
    )
    by_season = losses.groupby("season")[["rps", "log_loss"]].mean()
    metrics = {f"{score}_{season}": float(value) for score in by_season for season, value in by_season[score].items()}
    for period, seasons in PERIODS.items():
        chosen = losses[losses["season"].isin(seasons)]
        metrics |= {f"{score}_{period}": float(chosen[score].mean()) for score in by_season if len(chosen)}
    return TrialRun(name, position, settings, metrics, losses)


def rank(runs: Sequence[TrialRun]) -> list[Ranked]:
    """Candidates by the gap to the base, which is the run of position 0, on matches that all have forecast.

    Empty without the base.
    """
    if not runs or runs[0].position != 0:
        return []
    common = set.intersection(*(set(run.losses["match_id"]) for run in runs))
    tables = [run.losses[run.losses["match_id"].isin(common)].sort_values("match_id") for run in runs]
    found = [_rank_one(run, table, tables[0]) for run, table in zip(runs, tables, strict=True)]
    return sorted(found, key=lambda one: one.gap["all"].mean)


def _rank_one(run: TrialRun, table: pd.DataFrame, base: pd.DataFrame) -> Ranked:
    places = {period: table["season"].isin(seasons).to_numpy() for period, seasons in PERIODS.items()}
    own, other = (np.asarray(one["rps"], float) for one in (table, base))
    groups = np.asarray(table["week"], np.int64)
    return Ranked(
        name=run.name,
        base=run.position == 0,
        matches={period: int(place.sum()) for period, place in places.items()},
        rps={period: float(own[place].mean()) for period, place in places.items()},
        gap={period: paired_gap(own[place], other[place], groups[place]) for period, place in places.items()},
        seasons={str(season): float(value) for season, value in table.groupby("season")["rps"].mean().items()},
    )
