"""The questions that were asked of `match-outcome`, and the candidates of each: the first is the base."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matchday.backtest import Forecaster, Walk, walk_forward
from matchday.errors import MatchdayError
from matchday.experiments.candidate import SEASONS, Candidate, League, choose_by_past
from matchday.features.strength import LeagueStrength
from matchday.models.match_outcome import reference
from matchday.models.match_outcome.candidates import bivariate_poisson, calibrators, lineups, stacking
from matchday.models.match_outcome.candidates.calibrators import Calibrator
from matchday.models.match_outcome.candidates.pool import fit_pool
from matchday.models.match_outcome.rated import rate_matches
from matchday.models.match_outcome.reported import walk_model
from matchday.models.match_outcome.settled_goals import Parameters, train, vectors_of
from matchday.models.player_points.model import FIRST_SEASON
from matchday.ratings.strength import StrengthState
from matchday.scores.outcome import CLASSES, ranked_probability

FloatArray = NDArray[np.float64]

BASE = "match-outcome"
CHOSEN = "best of its past, each season"
FIRST_LINEUPS = "1718"
"""The first season whose line-ups were expected by anybody."""


class UnknownQuestionError(MatchdayError):
    """A question that nobody asked."""


@dataclass(frozen=True)
class Question:
    """name: as `matchday experiments run NAME` takes it. asks: for people. candidates: the first is the base."""

    name: str
    asks: str
    candidates: tuple[Candidate, ...]


def question(name: str) -> Question:
    """The question of a name. Raises UnknownQuestionError."""
    if name not in QUESTIONS:
        raise UnknownQuestionError(f"no question {name!r}; there are: {', '.join(QUESTIONS)}")
    return QUESTIONS[name]


def _base(league: League) -> Walk:
    return league.walk(BASE, lambda: walk_model(league.rows, SEASONS))


def _rated(settings: Mapping[str, Any], league: League) -> Walk:
    """The model on ratings of other settings."""
    start = LeagueStrength(replace(StrengthState(), **settings))
    title = f"rated {sorted(settings.items())}"
    return league.walk(title, lambda: walk_model(rate_matches(league.matches, league.teams, start), SEASONS))


def _ratings(name: str, **settings: Any) -> Candidate:
    return Candidate(name, settings, partial(_rated, settings))


def _chosen(candidates: tuple[Candidate, ...]) -> Candidate:
    """Each season by the candidate with the least RPS on the seasons before it."""

    def walk(league: League) -> Walk:
        return choose_by_past({one.name: one.walk(league) for one in candidates}, ranked_probability)

    return Candidate(CHOSEN, {"of": ", ".join(one.name for one in candidates)}, walk)


def _simple(name: str, forecaster: Forecaster) -> Candidate:
    def walk(league: League) -> Walk:
        return league.walk(name, lambda: walk_forward(league.wide_rows, forecaster, CLASSES, SEASONS))

    return Candidate(name, {"refit": "28 days"}, walk)


def _by_season(forecast: Forecaster, league: League, rows: Callable[[League], pd.DataFrame]) -> Walk:
    """Learnt once a season, on the seasons before it."""
    table, parts = rows(league), []
    for season in SEASONS:
        coming = table[table["season"] == season]
        numbers = pd.DataFrame(forecast(table[table["season"] < season], coming), columns=list(CLASSES))
        keys = coming[["match_id", "season", "kickoff", "result"]].reset_index(drop=True)
        parts.append(keys.join(numbers).assign(refit=coming["kickoff"].min()))
    return Walk(pd.concat(parts, ignore_index=True), CLASSES)


def _bivariate(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
    """Covariance of goals in place of Dixon and Coles' dependence and of the calibration."""
    model, rows = train(past), past[past["season"] >= Parameters.first_season]
    goals = rows[["home_goals", "away_goals"]].to_numpy(np.int64)
    found = bivariate_poisson.fit(*model.rates(vectors_of(rows)), goals)
    return found.predict(*model.rates(vectors_of(coming)))


def _corrected_by_trees(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
    """The model's log probabilities, moved by penalised trees on form and Elo."""
    learnt = past[past["season"] >= Parameters.first_season]
    model, gaps = train(past), [f"gap_{name}" for name in reference.GAPS]
    margins = [np.log(model.predict(vectors_of(rows))) for rows in (learnt, coming)]
    inputs, result = learnt[gaps].to_numpy(np.float32), learnt["result"].to_numpy(np.int64)
    trees = stacking.correct_by_trees(inputs, result, margins[0], stacking.Parameters())
    return np.asarray(trees.predict_proba(coming[gaps].to_numpy(np.float32), base_margin=margins[1]), float)


def _all_rows(league: League) -> pd.DataFrame:
    """Features of `match-outcome` and the columns of the simple forecasters."""
    gaps = [str(column) for column in league.wide_rows if str(column).startswith(("gap_", reference.GOALS_ALONE))]
    return league.rows.merge(league.wide_rows[["match_id", *gaps]], on="match_id")


def _first_pool(league: League) -> Walk:
    """`match_outcome_v1`: goals model, trees and logistic regression on its own ratings, pooled."""
    held_out = stacking.held_out_forecasts(league.wide_rows, stacking.Parameters())

    def forecast(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
        if (past["season"] >= stacking.Parameters.first_season).sum() == 0:
            return stacking.goals_forecast(stacking.vectors_of(coming))
        known = held_out[held_out["match_id"].isin(past["match_id"])]
        return stacking.train(past, held_out=known).predict(stacking.vectors_of(coming))

    return league.walk("first pool", lambda: _by_season(forecast, league, lambda one: one.wide_rows))


def _members(league: League) -> dict[str, Walk]:
    others = (BIVARIATE, TREES, LOGISTIC)
    return {BASE: _base(league), **{one.name: one.walk(league) for one in others}}


def _stack(league: League) -> Walk:
    """The log-linear pool of four, its weights learnt from the forecasts of past seasons."""
    walks = [walk.forecasts.set_index("match_id") for walk in _members(league).values()]
    order, parts = walks[0].index, []
    aligned = [walk.loc[order, list(CLASSES)].to_numpy(float) for walk in walks]
    season, result = walks[0]["season"].to_numpy(), walks[0]["result"].to_numpy(np.int64)
    for one in SEASONS:
        past, coming = season < one, season == one
        pool = fit_pool([numbers[past] for numbers in aligned], result[past])
        parts.append(pool.combine([numbers[coming] for numbers in aligned]))
    return Walk(walks[0].reset_index().assign(**_named(np.concatenate(parts))), CLASSES)


def _mean(league: League) -> Walk:
    """The mean of the same four."""
    walks = [walk.forecasts.set_index("match_id") for walk in _members(league).values()]
    mean = np.mean([walk.loc[walks[0].index, list(CLASSES)].to_numpy(float) for walk in walks], axis=0)
    return Walk(walks[0].reset_index().assign(**_named(mean)), CLASSES)


def _named(numbers: FloatArray) -> dict[str, FloatArray]:
    return dict(zip(CLASSES, numbers.T, strict=True))


def _with_lineups(shares: Callable[[League], FloatArray], league: League) -> Walk:
    """The model with attack and defence moved by line-ups, as much as goals followed them in past seasons.

    shares: of the match that each of `League.player_rows` is taken to play, (n,).
    """
    rows, sides = league.rows, lineups.SIDES
    gaps = lineups.lineup_gaps(league.player_rows, shares(league))
    places = [gaps.reindex(pd.MultiIndex.from_frame(rows[["match_id", side]])).to_numpy(float) for side in sides]
    values = np.nan_to_num(np.stack(places, axis=1))
    parts = []
    for season in SEASONS:
        past = rows["season"].between(FIRST_LINEUPS, season, inclusive="left").to_numpy()
        effects = lineups.learn_effects(rows[past], values[past]) if past.any() else np.zeros(2)
        until = (rows["season"] <= season).to_numpy()
        moved = lineups.add_effects(rows[until], values[until], effects)
        parts.append(walk_model(moved, (season,)).forecasts)
    return Walk(pd.concat(parts, ignore_index=True), CLASSES)


def _expected_shares(league: League) -> FloatArray:
    return league.expected_shares


def _played_shares(league: League) -> FloatArray:
    return lineups.played_shares(league.player_rows)


def _recent_shares(league: League) -> FloatArray:
    """Mean minutes of a middle past, as a share of the match; unknown in the first season, as of the minutes model."""
    players = league.player_rows
    known = players["season"] > FIRST_SEASON
    return (players["minutes_middle"] / 90).where(known).to_numpy(float)


def _two_parameters(penalty: float, league: League) -> Walk:
    return walk_model(league.rows, SEASONS, replace(Parameters(), calibration_penalty=penalty))


def _calibrated(fit: Callable[[FloatArray, NDArray[np.int64]], Calibrator] | None, league: League) -> Walk:
    """The model without its calibration, and another one learnt from all matches that are over."""

    def forecast(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
        rows = past[past["season"] >= Parameters.first_season]
        raw = replace(train(past), sharpness=1.0, draw=0.0)
        said = raw.predict(vectors_of(coming))
        return fit(raw.predict(vectors_of(rows)), rows["result"].to_numpy(np.int64))(said) if fit else said

    return walk_forward(league.rows, forecast, CLASSES, SEASONS)


THREE = Candidate(BASE, {"decays": "0.003, 0.005, 0.007"}, _base)
SINGLE = tuple(_ratings(f"decay {one:g}", decays=(one,)) for one in (0.003, 0.005, 0.007))
SHARES = (
    _ratings("goals alone", xg_share=0.0, stand_in_share=0.0),
    _ratings("half, and a third for stand-ins", xg_share=0.5, stand_in_share=0.35),
    _ratings("six tenths of both", xg_share=0.6, stand_in_share=0.6),
    _ratings("nine tenths, and eight for stand-ins", xg_share=0.9, stand_in_share=0.8),
    _ratings("expected goals alone", xg_share=1.0, stand_in_share=1.0),
)
BIVARIATE = Candidate("bivariate Poisson", {}, lambda league: walk_forward(league.rows, _bivariate, CLASSES, SEASONS))
TREES = _simple(reference.TREES, reference.boosted_trees)
LOGISTIC = _simple(reference.LOGISTIC, reference.logistic)

QUESTIONS: Mapping[str, Question] = {
    one.name: one
    for one in (
        Question(
            "decay",
            "How fast should matches lose weight?",
            (
                THREE,
                *SINGLE,
                _ratings("mean of five decays", decays=(0.0015, 0.003, 0.005, 0.007, 0.012)),
                _chosen((THREE, *SINGLE)),
            ),
        ),
        Question(
            "xg-weight",
            "How much should expected goals count beside goals?",
            (
                Candidate(BASE, {"xg_share": 0.7, "stand_in_share": 0.6}, _base),
                *SHARES,
                _chosen((THREE, *SHARES)),
            ),
        ),
        Question(
            "blending",
            "Do other models help, instead of the goals model or together with it?",
            (
                Candidate(BASE, {}, _base),
                _simple(reference.DIXON_COLES, reference.dixon_coles),
                BIVARIATE,
                TREES,
                LOGISTIC,
                Candidate(
                    "corrected by XGBoost",
                    {"refit": "season"},
                    lambda league: _by_season(_corrected_by_trees, league, _all_rows),
                ),
                Candidate("pool of match_outcome_v1", {"refit": "season"}, _first_pool),
                Candidate("stack of four", {"members": "the model, bivariate, XGBoost, logistic"}, _stack),
                Candidate("mean of four", {"members": "the model, bivariate, XGBoost, logistic"}, _mean),
            ),
        ),
        Question(
            "line-ups",
            "Do expected line-ups help, beside those that the ratings were learnt from?",
            (
                Candidate(BASE, {}, _base),
                Candidate("minutes of player-points", {"refit": "season"}, partial(_with_lineups, _expected_shares)),
                Candidate("recent minutes", {"memory": 0.85}, partial(_with_lineups, _recent_shares)),
                Candidate(
                    "who really played (a leak)", {"known": "after the match"}, partial(_with_lineups, _played_shares)
                ),
            ),
        ),
        Question(
            "calibration",
            "Which calibration, learnt from past matches, is best?",
            (
                Candidate(BASE, {"parameters": 2, "penalty": 200}, _base),
                Candidate("none", {}, partial(_calibrated, None)),
                Candidate("two parameters, no penalty", {"penalty": 0}, partial(_two_parameters, 0.0)),
                Candidate(
                    "shift of the draw alone", {"parameters": 1}, partial(_calibrated, calibrators.fit_draw_shift)
                ),
                Candidate("Dirichlet", {"parameters": 12}, partial(_calibrated, calibrators.fit_dirichlet)),
                Candidate("isotonic", {}, partial(_calibrated, calibrators.fit_isotonic)),
            ),
        ),
    )
}
"""By name."""
