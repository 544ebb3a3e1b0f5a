"""Settings of `match-outcome` that decision 29 fixed, and their worth on the seasons before the reported ones."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import optuna
import pandas as pd
from optuna.trial import Trial

from matchday.features.strength import LeagueStrength
from matchday.models.match_outcome.rated import rate_seasons
from matchday.models.match_outcome.reported import SEASONS as REPORTED
from matchday.models.match_outcome.reported import load_matches, walk_model
from matchday.models.match_outcome.settled_goals import Parameters
from matchday.ratings.home_edge import HomeEdgeState
from matchday.ratings.strength import StrengthState
from matchday.scores.outcome import ranked_probability
from matchday.sources.snapshot import Snapshot
from matchday.tables import Teams

SEASONS = ("1617", "1718", "1819")
"""Seasons that are forecast: all before the first that is reported, but for those that only warm up."""
SPREAD = (0.6, 1.0, 1.4)
"""The decays whose mean is taken, in units of the middle one."""


@dataclass(frozen=True)
class Range:
    """Bounds of a setting. served: its value today. log: whether it is searched on a logarithmic scale."""

    low: float
    high: float
    served: float
    log: bool = True


SPACE: Mapping[str, Range] = {
    "decay": Range(0.001, 0.012, StrengthState().decays[1]),
    "stand_in_share": Range(0.0, 1.0, StrengthState().stand_in_share, log=False),
    "ridge": Range(0.2, 5.0, StrengthState().ridge),
    "promoted_ridge": Range(0.5, 12.0, StrengthState().promoted_ridge),
    "edge_decay": Range(0.0002, 0.004, HomeEdgeState().decay),
    "edge_prior_matches": Range(10.0, 500.0, HomeEdgeState().prior_matches),
    "settled_penalty": Range(1.0, 300.0, Parameters().settled_penalty),
    "calibration_penalty": Range(5.0, 3000.0, Parameters().calibration_penalty),
    "low_score": Range(-0.15, 0.0, Parameters().low_score, log=False),
}
"""The weight of own expected goals is not among them: before 2022/23 there were none."""
SERVED = {name: one.served for name, one in SPACE.items()}


@dataclass(frozen=True)
class OutcomeObjective:
    """Mean RPS over `SEASONS`, told to the pruner after each. matches, teams: of the seasons before the reported."""

    matches: pd.DataFrame
    teams: pd.DataFrame

    @classmethod
    def load(cls, snapshot: Snapshot) -> "OutcomeObjective":
        """From the bundled history, cut at the first reported season."""
        matches, teams = load_matches(snapshot), snapshot.load(Teams)
        early = [table[table["season"] < REPORTED[0]].reset_index(drop=True) for table in (matches, teams)]
        return cls(*early)

    @property
    def study_name(self) -> str:
        """Of the study: other data or another space are another study."""
        facts = pd.util.hash_pandas_object(self.matches, index=False).to_numpy().tobytes()
        space = json.dumps({name: [one.low, one.high, one.log] for name, one in SPACE.items()}, sort_keys=True)
        return f"match-outcome-{hashlib.sha256(facts + space.encode()).hexdigest()[:12]}"

    def __call__(self, trial: Trial) -> float:
        """Value of a trial. Raises optuna.TrialPruned."""
        chosen = {name: trial.suggest_float(name, one.low, one.high, log=one.log) for name, one in SPACE.items()}
        losses = []
        for step, loss in enumerate(self.losses(chosen)):
            losses.append(loss)
            trial.report(float(np.mean(losses)), step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return float(np.mean(losses))

    def losses(self, chosen: Mapping[str, float]) -> Iterator[float]:
        """Mean RPS of each of `SEASONS`, one after the other: a season is rated once the one before it was judged."""
        start, parameters = settings(chosen)
        rated: list[pd.DataFrame] = []
        for rows in rate_seasons(self.matches, self.teams, start):
            rated.append(rows)
            season = str(rows["season"].iloc[0])
            if season in SEASONS:
                walk = walk_model(pd.concat(rated, ignore_index=True), [season], parameters)
                yield float(ranked_probability(walk.numbers, walk.results).mean())


def settings(chosen: Mapping[str, float]) -> tuple[LeagueStrength, Parameters]:
    """Ratings before any match, and the model's parameters, of chosen values by name of `SPACE`."""
    strength = StrengthState(
        decays=tuple(share * chosen["decay"] for share in SPREAD),
        stand_in_share=chosen["stand_in_share"],
        ridge=chosen["ridge"],
        promoted_ridge=chosen["promoted_ridge"],
    )
    edge = HomeEdgeState(decay=chosen["edge_decay"], prior_matches=chosen["edge_prior_matches"])
    parameters = replace(
        Parameters(),
        settled_penalty=chosen["settled_penalty"],
        calibration_penalty=chosen["calibration_penalty"],
        low_score=chosen["low_score"],
    )
    return LeagueStrength(strength, edge), parameters
