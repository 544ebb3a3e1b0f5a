"""The goals model with calibration over past seasons, from what was known before each match: `make bench-outcome`.

No choice looks at a season that is reported: docs/decisions/0029-nothing-is-chosen-on-what-is-reported.md.
"""

from datetime import timedelta
from time import perf_counter

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from benchmarks.report import Measure, report
from matchday.backtest import Walk, walk_forward
from matchday.features.strength import strength_table, with_xg_and_stand_in
from matchday.models.graph import prove_parity
from matchday.models.match_outcome import settled_goals
from matchday.models.match_outcome.kind import outcome_of
from matchday.models.match_outcome.settled_goals import NAMES, export
from matchday.scores.outcome import CLASSES, calibration_error, log_loss, ranked_probability
from matchday.settings import REPOSITORY
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances, Matches, Teams

FloatArray = NDArray[np.float64]

FIRST_LEARNT = "1516"
"""14/15 alone warms up the ratings."""
SEASONS = ("1920", "2021", "2122", "2223", "2324", "2425", "2526")
LATEST = "2324"
GOALS = ["home_goals", "away_goals"]


def feature_rows() -> pd.DataFrame:
    """A row for each match as known before kick-off: `NAMES`, goals and result."""
    snapshot = Snapshot(REPOSITORY / "data")
    matches = with_xg_and_stand_in(snapshot.load(Matches), snapshot.load(Appearances))
    matches = matches.sort_values(["kickoff", "match_id"], ignore_index=True)
    table = strength_table(matches, snapshot.load(Teams)).drop(columns="season").sort_values("event_time")
    moment = (matches["kickoff"] - timedelta(seconds=1)).astype("datetime64[us, UTC]")
    rows = matches[["match_id", "season", "kickoff", *GOALS]].copy()
    for side in ("home", "away"):
        asked = pd.DataFrame({"event_time": moment, "team": matches[side]})
        known = pd.merge_asof(asked, table, on="event_time", by="team")
        rows = rows.assign(**{f"{side}_{what}": known[what] for what in ("attack", "defence", "settled")})
        if side == "home":
            rows = rows.assign(league_level=known["level"], league_home_edge=known["home_edge"])
    return rows.assign(result=outcome_of(rows["home_goals"].to_numpy(), rows["away_goals"].to_numpy()))


def walk(rows: pd.DataFrame) -> Walk:
    """Forecasts of all reported seasons, refitted each week."""
    goals = rows.set_index("match_id")[GOALS]

    def forecast(past: pd.DataFrame, coming: pd.DataFrame) -> FloatArray:
        learnt = past[past["season"] >= FIRST_LEARNT]
        model = settled_goals.fit(vectors(learnt), goals.loc[learnt["match_id"]].to_numpy(np.int64))
        return model.predict(vectors(coming))

    return walk_forward(rows.drop(columns=GOALS), forecast, CLASSES, SEASONS, refit=timedelta(days=7))


def vectors(rows: pd.DataFrame) -> NDArray[np.float32]:
    """Feature vectors (n, k)."""
    return rows[list(NAMES)].to_numpy(np.float32)


def calibration_by_class(found: Walk) -> float:
    """The calibration error in ten bins of equal count, of home, draw and away alone, and their mean."""
    parts = []
    for place in range(len(CLASSES)):
        said, hit = found.numbers[:, place], found.results == place
        groups = np.array_split(np.argsort(said, kind="stable"), 10)
        parts.append(sum(abs(said[group].mean() - hit[group].mean()) * len(group) for group in groups) / len(said))
    return float(np.mean(parts))


def slope(found: Walk) -> float:
    """The power of the probabilities that fits results best: 1 where forecasts are as sure as they should be."""
    logs = np.log(found.numbers)

    def loss(power: float) -> float:
        return -float(log_softmax(power * logs, axis=1)[np.arange(len(logs)), found.results].sum())

    return float(minimize_scalar(loss, bounds=(0.3, 3.0), method="bounded").x)


def measures() -> list[Measure]:
    """The scores of the reported seasons beside their bars, the time taken, and the parity of the graph."""
    start = perf_counter()
    rows = feature_rows()
    whole = walk(rows)
    seconds = perf_counter() - start
    late = Walk(whole.forecasts[whole.forecasts["season"] >= LATEST], whole.columns)
    learnt = rows[rows["season"] >= FIRST_LEARNT]
    model = settled_goals.fit(vectors(learnt), learnt[GOALS].to_numpy(np.int64))
    parity = prove_parity(export(model), "probabilities", vectors(rows), model.predict(vectors(rows)))
    by_season = [Measure(f"RPS of {season}", _rps(whole.in_season(season)), "", None) for season in SEASONS]
    return [
        Measure("matches, 2019/20-2025/26", len(whole.results), "matches"),
        Measure("RPS, 2019/20-2025/26", _rps(whole), "", "<= 0.2003"),
        Measure("calibration error, mean over classes, 2019/20-2025/26", calibration_by_class(whole), "", "<= 0.017"),
        Measure(
            "calibration error, classes together, 2019/20-2025/26", calibration_error(whole.numbers, whole.results), ""
        ),
        Measure("calibration slope, 2019/20-2025/26, at least", slope(whole), "", ">= 0.9"),
        Measure("calibration slope, 2019/20-2025/26, at most", slope(whole), "", "<= 1.1"),
        Measure("log loss, 2019/20-2025/26", float(log_loss(whole.numbers, whole.results).mean()), ""),
        Measure("matches, 2023/24-2025/26", len(late.results), "matches"),
        Measure("RPS, 2023/24-2025/26", _rps(late), "", "<= 0.1968"),
        Measure("log loss, 2023/24-2025/26", float(log_loss(late.numbers, late.results).mean()), "", "<= 0.97"),
        *by_season,
        Measure("features and backtest of seven seasons, weekly refit", seconds, "s", "<= 90"),
        Measure("largest difference of graph and model", parity.largest, "", "<= 1e-05"),
    ]


def _rps(found: Walk) -> float:
    return float(ranked_probability(found.numbers, found.results).mean())


if __name__ == "__main__":
    report("outcome", measures())
