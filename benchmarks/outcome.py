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
from matchday.features.before_kickoff import vectors_before_kickoff
from matchday.features.tables import TABLES
from matchday.features.team import team_tables
from matchday.models.graph import prove_parity
from matchday.models.match_outcome import settled_goals
from matchday.models.match_outcome.export import export
from matchday.models.match_outcome.kind import MATCH_OUTCOME, outcome_of
from matchday.models.match_outcome.recipe import RECIPE
from matchday.ratings.xg import with_xg
from matchday.scores.outcome import CLASSES, calibration_error, log_loss, ranked_probability
from matchday.settings import REPOSITORY
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances, Matches, Teams, name

FloatArray = NDArray[np.float64]

SEASONS = ("1920", "2021", "2122", "2223", "2324", "2425", "2526")
LATEST = "2324"
GOALS = ["home_goals", "away_goals"]


def feature_rows() -> pd.DataFrame:
    """A row for each match as known before kick-off: features, goals and result."""
    snapshot = Snapshot(REPOSITORY / "data")
    matches = with_xg(snapshot.load(Matches), snapshot.load(Appearances))
    rows = matches.sort_values(["kickoff", "match_id"], ignore_index=True)
    made = team_tables(rows, snapshot.load(Teams))
    tables = {name(table): frame for table, frame in zip(TABLES, made, strict=True)}
    keys = rows[["match_id", "season", "kickoff", "home", "away", *GOALS]]
    result = outcome_of(*rows[GOALS].to_numpy().T)
    return keys.assign(result=result).join(vectors_before_kickoff(MATCH_OUTCOME.features, rows, tables))


def walk(rows: pd.DataFrame) -> Walk:
    """Forecasts of all reported seasons, refitted each week."""
    forecast = RECIPE.forecasters(rows)[MATCH_OUTCOME.name]
    return walk_forward(rows, forecast, CLASSES, SEASONS, refit=timedelta(days=7))


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
    model, vectors = settled_goals.train(rows), settled_goals.vectors_of(rows)
    further = model.further(vectors)
    parity = prove_parity(export(model), MATCH_OUTCOME.output.name, vectors, model.predict(vectors), further)
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
