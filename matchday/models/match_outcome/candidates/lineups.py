"""Expected line-ups beside those that the ratings were learnt from.

A line-up's quality in attack is the logarithm of the sum of share of the match times price over midfielders and
forwards, in defence over goalkeepers and defenders. What is expected comes from the minutes of `player-points`; what
ratings were learnt from is the decayed mean of the club's line-ups so far. The gap moves the goals of a match as much
as it did in past seasons.
"""

from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.durations import DAY
from matchday.features.player_form import FULL
from matchday.models.goal_rates import goal_rates
from matchday.models.match_outcome.settled_goals import NAMES, vectors_of
from matchday.models.player_points import inputs
from matchday.models.player_points.model import FIRST_SEASON, fit

FloatArray = NDArray[np.float64]

PARTS = ("attack", "defence")
SIDES = ("home", "away")
DECAY = 0.005
"""A day, as of the middle ratings."""
PRIOR = 1.0
"""Matches of the first expected line-up of a club that is new to the league."""
OUTFIELD, GOALKEEPERS = 10.0, 1.0
LEAST_SHARES = 0.3
OPENING = timedelta(days=4)
"""From a season's first kick-off: the line-ups that say how strong the league is."""
PENALTY = 50.0
"""Of the squared effects times the variance of the gaps, half of it, in log-likelihood of goals."""


def played_shares(rows: pd.DataFrame) -> FloatArray:
    """Share (n,) of the match that each player played."""
    return rows["minutes"].clip(upper=90).to_numpy(float) / 90


def expected_shares(rows: pd.DataFrame) -> FloatArray:
    """Share (n,) of the match that each player is expected to play, NaN in the first season.

    rows: of `PointsFeatures`. The model of a season has learnt from the seasons before it.
    """
    found = np.full(len(rows), np.nan)
    for season in sorted(rows["season"].unique()):
        past, coming = rows[rows["season"] < season], (rows["season"] == season).to_numpy()
        past = past[past["season"] >= FIRST_SEASON]
        if past.empty:
            continue
        played, minutes = played_shares(past), past["minutes"]
        some, full = played[minutes.between(1, FULL - 1)].mean(), played[minutes >= FULL].mean()
        chances = fit(past, str(season)).predict(inputs.vectors_of(rows[coming])).minutes
        found[coming] = chances[:, 1:] @ np.array([some, full])
    return found


def lineup_gaps(rows: pd.DataFrame, shares: FloatArray) -> pd.DataFrame:
    """Expected quality less that of the line-ups so far, by match_id and team: columns `PARTS`; 0 where unknown.

    rows: of `PointsFeatures`, with their expected shares (n,).
    """
    keeper = rows["position_number"] == 0
    named = rows[["season", "match_id", "team", "kickoff"]].assign(
        expected=shares, actual=played_shares(rows), price=rows["price"] / 10, keeper=keeper
    )
    named["part"] = np.where(rows["position_number"] >= 2, *PARTS)
    side = named.groupby(["match_id", "team", "keeper"])["expected"].transform("sum")
    full = np.where(keeper, GOALKEEPERS, OUTFIELD)
    named["expected"] = (named["expected"] * full / side.clip(lower=LEAST_SHARES)).clip(upper=1.0)
    summed = named.assign(expected=named["expected"] * named["price"], actual=named["actual"] * named["price"])
    keys = ["season", "kickoff", "match_id", "team"]
    sums = summed.groupby([*keys, "part"])[["expected", "actual"]].sum(min_count=1)
    quality: pd.DataFrame = np.log(sums.clip(lower=0.05))  # type: ignore[assignment]
    by_part: pd.DataFrame = quality.unstack("part")  # type: ignore[assignment]  # noqa: PD010 - pivot_table drops unknowns
    return _gaps(by_part)


def _gaps(quality: pd.DataFrame) -> pd.DataFrame:
    """The gaps of matches in order; quality: (expected | actual, part) by season, kickoff, match and team."""
    found: dict[tuple[str, str], FloatArray] = {}
    states: dict[str, tuple[FloatArray, float, float]] = {}
    for _, season in quality.groupby(level="season", sort=True):
        first = season["expected"][list(PARTS)].groupby(level="team").first()
        opening = season[season.index.get_level_values("kickoff") < season.index[0][1] + OPENING]
        known = "expected" if opening["expected"].notna().all(axis=None) else "actual"
        level = opening[known][list(PARTS)].mean().to_numpy()
        states = {team: state for team, state in states.items() if team in first.index}
        for (_, kickoff, match, team), expected, actual in zip(
            season.index,
            season["expected"][list(PARTS)].to_numpy() - level,
            season["actual"][list(PARTS)].to_numpy() - level,
            strict=True,
        ):
            day = kickoff.timestamp() / DAY
            start = np.nan_to_num(first.loc[team].to_numpy() - level) * PRIOR
            summed, weight, last = states.get(team, (start, PRIOR, day))
            kept = np.exp(-DECAY * (day - last))
            summed, weight = summed * kept, weight * kept
            found[match, team] = np.nan_to_num(expected - summed / weight)
            states[team] = (summed + actual, weight + 1.0, day)
    index = pd.MultiIndex.from_tuples(found, names=["match_id", "team"])
    return pd.DataFrame(np.array(list(found.values())), index=index, columns=list(PARTS))


def learn_effects(rows: pd.DataFrame, gaps: FloatArray) -> FloatArray:
    """How much goals follow the own gap in attack and the other side's in defence, (2,), of past matches.

    rows: of the training table of `match-outcome`; gaps: (n, side, part). Penalised Poisson regression on top of the
    rates of the features, with a constant that is dropped. Newton's method.
    """
    home, away = goal_rates(vectors_of(rows), NAMES)
    expected, goals = np.concatenate([home, away]), np.concatenate([rows["home_goals"], rows["away_goals"]])
    own = np.concatenate([gaps[:, 0, 0], gaps[:, 1, 0]])
    other = np.concatenate([gaps[:, 1, 1], gaps[:, 0, 1]])
    design = np.column_stack([np.ones(len(own)), own, other])
    penalty = np.array([1e-6, *(PENALTY * design[:, 1:].var(axis=0))])
    theta = np.zeros(3)
    for _ in range(30):
        rate = expected * np.exp(design @ theta)
        information = (design * rate[:, None]).T @ design + np.diag(penalty + 1e-9)
        step = np.linalg.solve(information, design.T @ (goals - rate) - penalty * theta)
        theta = theta + np.clip(step, -0.5, 0.5)
        if np.abs(step).max() < 1e-9:
            break
    return np.asarray(theta[1:])


def add_effects(rows: pd.DataFrame, gaps: FloatArray, effects: FloatArray) -> pd.DataFrame:
    """The rows with attack and defence moved by the gaps; a better defence lets the other side score less."""
    moved = {}
    for place, side in enumerate(SIDES):
        moved[f"{side}_attack"] = rows[f"{side}_attack"] + effects[0] * gaps[:, place, 0]
        moved[f"{side}_defence"] = rows[f"{side}_defence"] - effects[1] * gaps[:, place, 1]
    return rows.assign(**moved)
