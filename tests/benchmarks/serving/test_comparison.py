"""Medians, ratios and bars, from trials that are made up."""

import pytest

from benchmarks.serving.comparison import bars, core_speed, figures, speed
from benchmarks.serving.trial import Spent, Trial
from benchmarks.serving.wrk import Load

PEERS = ("KServe", "Hand")


def load(rate: float, p99_ms: float) -> Load:
    return Load(round(rate * 10), 10.0, p99_ms / 4, p99_ms, p99_ms * 2, 0, 0)


def trial(
    *, p99_ms: float = 20.0, ready_s: float = 1.0, apart: float = 0.0, busy: float = 1.0, cores: int = 2, **rates: float
) -> Trial:
    """busy: cores that the server keeps busy under load."""

    def spent(rate: float) -> Spent:
        return Spent(load(rate, p99_ms), busy * 10.0)

    loads = {(mode, connections): spent(rate) for mode, rate in rates.items() for connections in (1, 16)}
    core = {mode: spent(rate / 2) for mode, rate in rates.items()} if cores > 1 else {}
    return Trial(ready_s, loads, core, worker_mib=90.0, all_mib=120.0, apart=apart, dropped=0)


def told(**changes: Trial) -> dict[str, float]:
    trials = {
        "KServe": [trial(entity=400, raw=600, p99_ms=40)],
        "Hand": [trial(entity=700, p99_ms=24)],
        "Matchday": [trial(entity=3500, raw=9000, p99_ms=5)],
        "Kept": [trial(entity=7000, p99_ms=3)],
        "floor": [trial(constant=20_000)],
    } | {name: [each] for name, each in changes.items()}
    return {one.measure: one for one in bars(trials, PEERS, "KServe", "Matchday", "Kept", "floor")}


def test_one_round_of_a_busy_machine_decides_nothing():
    rounds = [trial(entity=1000, p99_ms=10), trial(entity=100, p99_ms=400), trial(entity=1020, p99_ms=12)]
    assert (speed(rounds, "entity").rate, speed(rounds, "entity").p99_ms) == (1000, 12)


def test_the_best_peer_is_the_fastest_for_the_rate_and_the_steadiest_for_the_p99():
    found = told(Hand=trial(entity=700, p99_ms=60))
    assert found["Matchday: entity, 16 connections, times the best peer (Hand)"].value == 5.0
    assert found["Matchday: entity, p99 beside the best peer's (KServe)"].value == pytest.approx(5 / 40)


def test_the_bars_of_the_issue_are_all_there_and_none_is_softer():
    asked = {
        "Matchday: entity, 16 connections, times KServe": (8.75, ">= 8"),
        "Matchday: entity, 16 connections, times the best peer (Hand)": (5.0, ">= 4"),
        "Matchday: entity, p99 beside the best peer's (Hand)": (0.208, "<= 0.25"),
        "Matchday: raw, 16 connections, times KServe": (15.0, ">= 8"),
        "Matchday: entity, CPU per request beside KServe's": (0.114, "<= 0.167"),
        "Matchday: raw, CPU per request beside KServe's": (0.067, "<= 0.2"),
        "Matchday: raw, share of the floor's rate": (0.45, ">= 0.4"),
        "Matchday: ready": (1.0, "<= 2"),
        "Matchday: worker": (90.0, "<= 200"),
        "Kept: entity, 16 connections, times KServe": (17.5, ">= 8"),
    }
    found = told()
    assert {name: (found[name].value, found[name].bar) for name in asked} == asked
    assert all(one.held is not False for one in found.values())


@pytest.mark.parametrize(
    ("slow", "missed"),
    [
        ({"Matchday": trial(entity=3100, raw=9000, p99_ms=5)}, "Matchday: entity, 16 connections, times KServe"),
        ({"Matchday": trial(entity=3500, raw=4700, p99_ms=5)}, "Matchday: raw, 16 connections, times KServe"),
        ({"Matchday": trial(entity=3500, raw=9000, busy=1.5)}, "Matchday: entity, CPU per request beside KServe's"),
        ({"Matchday": trial(entity=9000, raw=9000, busy=3.1)}, "Matchday: raw, CPU per request beside KServe's"),
        ({"floor": trial(constant=30_000)}, "Matchday: raw, share of the floor's rate"),
        ({"Matchday": trial(entity=3500, raw=9000, p99_ms=7)}, "Matchday: entity, p99 beside the best peer's (Hand)"),
        ({"Matchday": trial(entity=3500, raw=9000, p99_ms=5, ready_s=2.1)}, "Matchday: ready"),
        ({"Hand": trial(entity=700, p99_ms=24, apart=2e-5)}, "largest difference of a probability, any server"),
    ],
)
def test_a_bar_that_is_missed_says_so(slow, missed):
    assert missed in [name for name, one in told(**slow).items() if one.held is False]


def test_servers_that_were_left_out_leave_out_their_bars():
    names = [one.measure for one in bars({"Matchday": [trial(entity=1, raw=1)]}, PEERS, "KServe", "Matchday", "K", "f")]
    assert names[0] == "Matchday: ready"


def test_every_figure_is_told():
    names = [one.measure for one in figures("Hand", [trial(entity=700)])]
    assert len(names) == len(set(names)) == 2 * 3 + 1 + 2 + 3
    assert "Hand: entity, 1 connection, p50" in names


def test_processor_time_counts_requests_and_not_seconds():
    seen = [trial(entity=500, busy=2.0)]
    assert speed(seen, "entity").cpu_per_thousand == 4.0
    assert core_speed(seen, "entity").cpu_per_thousand == 8.0


def test_a_machine_with_one_core_has_no_figures_of_pinned_servers():
    seen = [trial(entity=500, cores=1)]
    assert core_speed(seen, "entity") is None
    assert not [one for one in figures("Hand", seen) if "one core" in one.measure]
    alone = bars(
        {"KServe": [trial(entity=5, raw=5, cores=1)], "M": [trial(entity=50, raw=50, cores=1)]},
        (),
        "KServe",
        "M",
        "K",
        "f",
    )
    assert {one.measure: one.value for one in alone}["M: raw, CPU per request beside KServe's"] == 0.1
