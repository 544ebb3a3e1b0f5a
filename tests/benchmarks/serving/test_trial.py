"""One real start of the server, as the benchmark makes it: a model, Feast's features in Redis, the right answers."""

import sys
from pathlib import Path

import pytest

from benchmarks.serving import trial
from benchmarks.serving.contestant import MATCHDAY
from benchmarks.serving.error import BenchError
from benchmarks.serving.world import world
from tests.services.requirements import executable

pytestmark = [pytest.mark.services, pytest.mark.slow]


def test_the_server_answers_what_the_python_model_says_and_is_measured(tmp_path):
    executable("redis-server", package="redis-server")
    executable("wrk", package="wrk")
    with world(tmp_path) as made:
        assert len(made.matches) == 20 * 19
        seen = trial.run(MATCHDAY, made, Path(sys.prefix) / "bin", seconds=1)
        made.answers[0] += 1e-4
        with pytest.raises(BenchError, match="not the same model"):
            trial.run(MATCHDAY, made, Path(sys.prefix) / "bin", seconds=1)
    assert set(seen.loads) == {(mode, connections) for mode in ("entity", "raw") for connections in (1, 16)}
    assert seen.apart <= 1e-5
    assert all(0 < each.cpu_per_thousand < 100 for each in seen.loads.values())
    assert seen.dropped is not None
    assert (tmp_path / "start-1-matchday" / "predictions.jsonl").stat().st_size > 0
