"""The growth of memory: a line through what was read once the server had settled."""

import math

import pytest

from benchmarks.serving.soak import Soak, Weight, growth, told
from benchmarks.serving.wrk import Load


def weight(worker: list[float]) -> Weight:
    return Weight([float(second) for second in range(len(worker))], worker, [each + 30 for each in worker])


def test_what_grows_while_it_settles_is_no_growth():
    mib = [50.0 + second for second in range(20)] + [70.0] * 80
    assert growth(weight(mib).seconds, mib) == pytest.approx(0, abs=1e-9)


def test_a_leak_is_seen_through_noise():
    mib = [80 + 0.01 * second + (0.5 if second % 2 else -0.5) for second in range(500)]
    assert growth(weight(mib).seconds, mib) == pytest.approx(0.01, rel=0.05)


def test_too_few_samples_are_no_proof_of_flatness():
    assert math.isnan(growth([0.0, 1.0], [80.0, 80.0]))


def test_growth_is_scaled_to_the_requests_of_half_an_hour():
    mib = [80 + 0.01 * second for second in range(100)]
    load = Load(requests=200_000, seconds=100.0, p50_ms=1, p99_ms=4, longest_ms=9, refused=0, broken=0)
    found = {one.measure: one for one in told(Soak(4000.0, load, weight(mib), 0))}
    assert found["requests of 30 minutes at half capacity"].value == 3_600_000
    assert found["rate, share of capacity"].value == 0.5
    assert found["worker, growth in 30 minutes"].value == pytest.approx(18)
    assert found["worker, growth in 30 minutes"].held is False


def test_errors_and_lost_predictions_are_held_to_none():
    load = Load(requests=10, seconds=1.0, p50_ms=1, p99_ms=4, longest_ms=9, refused=1, broken=0)
    missed = [one.measure for one in told(Soak(20.0, load, weight([80.0] * 50), 3)) if one.held is False]
    assert missed == ["errors", "predictions the log dropped"]
