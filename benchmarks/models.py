"""Both models over past seasons, from what was known before each match: `make bench-models`.

No choice looks at a season that is reported: docs/decisions/0029-nothing-is-chosen-on-what-is-reported.md.
"""

import argparse
from collections.abc import Sequence
from time import perf_counter

import numpy as np
import onnxruntime
import pandas as pd
from numpy.typing import NDArray

from benchmarks.report import Measure, report
from matchday.models.graph import FEATURES, prove_parity
from matchday.models.match_outcome import export as outcome_export
from matchday.models.match_outcome import settled_goals
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.match_outcome.reported import LATEST, SEASONS, OutcomeBacktest, backtest_outcome
from matchday.models.player_points import export as points_export
from matchday.models.player_points import inputs as points_inputs
from matchday.models.player_points import model as points_model
from matchday.models.player_points.backtest import feature_rows as points_rows
from matchday.models.player_points.backtest import points_backtest
from matchday.models.player_points.kind import PLAYER_POINTS
from matchday.settings import REPOSITORY
from matchday.sources.snapshot import Snapshot

PLAYERS, FIXTURES = 800, 10
"""Of a gameweek."""
ROUNDS = 50
PARITY_PLAYERS = 20_000
"""Rows of players whose graph is compared one by one and together."""

Graph = tuple[bytes, NDArray[np.float32]]
"""A graph and the rows of a gameweek."""


def main(parts: Sequence[str]) -> None:
    """Measure, print, write."""
    snapshot = Snapshot(REPOSITORY / "data")
    measures: list[Measure] = []
    graphs: list[Graph] = []
    if "outcome" in parts:
        measures += outcome_measures(snapshot, graphs)
    if "points" in parts:
        measures += points_measures(snapshot, graphs)
    if len(graphs) == 2:
        took = score_gameweek(graphs)
        what = f"a gameweek through both graphs: {FIXTURES} fixtures, {PLAYERS} players, with all outputs"
        measures.append(Measure(what, 1000 * took, "ms", "<= 50"))
    report("models" if len(graphs) == 2 else f"models-{parts[0]}", measures)


def outcome_measures(snapshot: Snapshot, graphs: list[Graph]) -> list[Measure]:
    """Scores of match-outcome beside their bars, the time taken, and the parity of its graph."""
    start = perf_counter()
    found = backtest_outcome(snapshot)
    seconds = perf_counter() - start
    whole, late = found.scores(), found.scores(None, LATEST)
    vectors, model = settled_goals.vectors_of(found.rows), found.last_model()
    graph = outcome_export.export(model)
    parity = prove_parity(graph, MATCH_OUTCOME.output.name, vectors, model.predict(vectors), model.further(vectors))
    graphs.append((graph, vectors[-FIXTURES:]))
    return [
        Measure("outcome: matches, 2019/20-2025/26", whole["matches"], "matches"),
        Measure("outcome: RPS, 2019/20-2025/26", whole["rps"], "", "<= 0.2003"),
        Measure("outcome: log loss, 2019/20-2025/26", whole["log_loss"], ""),
        Measure("outcome: matches, 2023/24-2025/26", late["matches"], "matches"),
        Measure("outcome: RPS, 2023/24-2025/26", late["rps"], "", "<= 0.1968"),
        Measure("outcome: log loss, 2023/24-2025/26", late["log_loss"], "", "<= 0.97"),
        Measure("outcome: calibration error, mean over classes", whole["calibration_error"], "", "<= 0.017"),
        Measure("outcome: calibration slope, at least", whole["slope"], "", ">= 0.9"),
        Measure("outcome: calibration slope, at most", whole["slope"], "", "<= 1.1"),
        Measure("outcome: accuracy, 2019/20-2025/26", whole["accuracy"], ""),
        *(Measure(f"outcome: RPS of {one}", found.scores(None, [one])["rps"], "") for one in SEASONS),
        *_references(found),
        Measure("outcome: backtest of 7 seasons, weekly refit, with the simple forecasts", seconds, "s", "<= 90"),
        Measure("outcome: largest difference of graph and model", parity.largest, "", "<= 1e-05"),
    ]


def points_measures(snapshot: Snapshot, graphs: list[Graph]) -> list[Measure]:
    """Scores of player-points beside their bars, the time taken, and the parity of its graph."""
    found = points_backtest(snapshot)
    rows = points_rows(snapshot)
    model = points_model.fit(rows)
    compared = rows.sample(PARITY_PLAYERS, random_state=7)
    vectors = points_inputs.vectors_of(compared)
    graph, forecast = points_export.export(model), model.predict(vectors)
    further = {"quantiles": forecast.quantiles.astype(float), "minutes": forecast.minutes}
    parity = prove_parity(graph, PLAYER_POINTS.output.name, vectors, forecast.points, further)
    graphs.append((graph, _last_gameweek(rows)))
    return [
        *(Measure(f"points: {one.what}", one.value, one.unit, one.bar or None) for one in found.measures),
        Measure("points: largest difference of graph and model", parity.largest, "", "<= 1e-05"),
    ]


def score_gameweek(graphs: Sequence[Graph]) -> float:
    """Median seconds of a gameweek's rows through all graphs."""
    sessions = [
        (onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"]), rows) for graph, rows in graphs
    ]
    took = []
    for _ in range(ROUNDS):
        start = perf_counter()
        for session, rows in sessions:
            session.run(None, {FEATURES: rows})
        took.append(perf_counter() - start)
    return float(np.median(took))


def _references(found: OutcomeBacktest) -> list[Measure]:
    others = [name for name in found.evaluation.walks if name != MATCH_OUTCOME.name]
    return [Measure(f"outcome: RPS of {name}, 2019/20-2025/26", found.scores(name)["rps"], "") for name in others]


def _last_gameweek(rows: pd.DataFrame) -> NDArray[np.float32]:
    return points_inputs.vectors_of(rows.sort_values("kickoff").tail(PLAYERS))


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", choices=("outcome", "points"), help="one of the models")
    only = options.parse_args().only
    main([only] if only else ["outcome", "points"])
