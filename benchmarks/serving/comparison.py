"""From the trials of all contestants to what is told: medians, ratios, and the bars they are held to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.report import Measure
from benchmarks.serving.trial import CONNECTIONS, TOLERANCE, Spent, Trial

Trials = Mapping[str, Sequence[Trial]]
"""Name of a contestant -> its trials, one for each round."""

MOST = max(CONNECTIONS)

CPU_BARS = {"entity": 0.167, "raw": 0.2}
"""Mode -> most processor time per request, as a share of KServe's: a sixth and a fifth."""


@dataclass(frozen=True)
class Speed:
    """Medians over the rounds, of one contestant in one mode at one number of connections."""

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_per_thousand: float


def speed(trials: Sequence[Trial], mode: str, connections: int = MOST) -> Speed:
    """Medians of one mode. Raises KeyError for a mode that was not measured."""
    return _medians([trial.loads[mode, connections] for trial in trials])


def core_speed(trials: Sequence[Trial], mode: str) -> Speed | None:
    """Medians of one mode with the server on one core; None where the machine has only one."""
    found = [trial.core[mode] for trial in trials if mode in trial.core]
    return _medians(found) if found else None


def _medians(found: Sequence[Spent]) -> Speed:
    return Speed(
        median(each.load.rate for each in found),
        median(each.load.p50_ms for each in found),
        median(each.load.p99_ms for each in found),
        median(each.cpu_per_thousand for each in found),
    )


def modes(trials: Sequence[Trial]) -> list[str]:
    """The modes of a contestant, in order."""
    return list(dict.fromkeys(mode for mode, _ in trials[0].loads))


def figures(name: str, trials: Sequence[Trial]) -> list[Measure]:
    """Every figure of a contestant, none with a bar."""
    found = []
    for mode in modes(trials):
        for connections in CONNECTIONS:
            seen = speed(trials, mode, connections)
            about = f"{name}: {mode}, {_counted(connections)}"
            found += [
                Measure(f"{about}, rate", round(seen.rate, 1), "requests/s"),
                Measure(f"{about}, p50", round(seen.p50_ms, 3), "ms"),
                Measure(f"{about}, p99", round(seen.p99_ms, 3), "ms"),
            ]
        found += _cost(f"{name}: {mode}, {_counted(MOST)}", speed(trials, mode))
        if core := core_speed(trials, mode):
            about = f"{name}: {mode}, {_counted(MOST)}, on one core"
            found += [Measure(f"{about}, rate", round(core.rate, 1), "requests/s"), *_cost(about, core)]
    return [
        *found,
        Measure(f"{name}: worker", round(median(trial.worker_mib for trial in trials), 1), "MiB"),
        Measure(f"{name}: all its processes", round(median(trial.all_mib for trial in trials), 1), "MiB"),
        Measure(f"{name}: ready", round(median(trial.ready_s for trial in trials), 2), "s"),
    ]


def _cost(about: str, seen: Speed) -> list[Measure]:
    return [Measure(f"{about}, CPU of all its processes", round(seen.cpu_per_thousand, 3), "s/1,000 requests")]


def bars(trials: Trials, peers: Sequence[str], kserve: str, own: str, kept: str, floor: str) -> list[Measure]:
    """What is asked of this server beside the others; bars whose contestants were left out are left out.

    own: with every request's features from the store, as the peers read them. kept: with features kept for a moment.
    """
    found = []
    beside = [name for name in peers if name in trials]
    for name in (own, kept):
        if name in trials and beside:
            found += _entity(name, trials, beside, kserve)
    if own in trials:
        raw = speed(trials[own], "raw").rate
        if kserve in trials:
            found.append(_times("raw", own, kserve, raw / speed(trials[kserve], "raw").rate, 8))
            found += [_cpu_share(mode, own, kserve, trials, bar) for mode, bar in CPU_BARS.items()]
        if floor in trials:
            share = raw / speed(trials[floor], "constant").rate
            found.append(Measure(f"{own}: raw, share of the floor's rate", round(share, 3), "", ">= 0.4"))
        found += _own(own, trials[own])
    apart = max(trial.apart for each in trials.values() for trial in each)
    found.append(Measure("largest difference of a probability, any server", apart, "", f"<= {TOLERANCE:g}"))
    return found


def _entity(name: str, trials: Trials, peers: Sequence[str], kserve: str) -> list[Measure]:
    mine = speed(trials[name], "entity")
    theirs = {peer: speed(trials[peer], "entity") for peer in peers}
    fastest = max(theirs, key=lambda peer: theirs[peer].rate)
    steadiest = min(theirs, key=lambda peer: theirs[peer].p99_ms)
    found = [_times("entity", name, kserve, mine.rate / theirs[kserve].rate, 8)] if kserve in theirs else []
    share = mine.p99_ms / theirs[steadiest].p99_ms
    return [
        *found,
        _times("entity", name, f"the best peer ({fastest})", mine.rate / theirs[fastest].rate, 4),
        Measure(f"{name}: entity, p99 beside the best peer's ({steadiest})", round(share, 3), "", "<= 0.25"),
    ]


def _cpu_share(mode: str, own: str, kserve: str, trials: Trials, bar: float) -> Measure:
    """Processor time beside KServe's, each server on one core where the machine has two."""
    mine, theirs = ((core_speed(trials[name], mode) or speed(trials[name], mode)) for name in (own, kserve))
    share = mine.cpu_per_thousand / theirs.cpu_per_thousand
    return Measure(f"{own}: {mode}, CPU per request beside {kserve}'s", round(share, 3), "", f"<= {bar:g}")


def _own(name: str, trials: Sequence[Trial]) -> list[Measure]:
    answered = sum(each.load.requests for trial in trials for each in (*trial.loads.values(), *trial.core.values()))
    lost = sum(trial.dropped or 0 for trial in trials)
    return [
        Measure(f"{name}: ready", round(median(trial.ready_s for trial in trials), 2), "s", "<= 2"),
        Measure(f"{name}: worker", round(median(trial.worker_mib for trial in trials), 1), "MiB", "<= 200"),
        Measure(f"{name}: predictions its log dropped at full load", round(100 * lost / answered, 2), "%"),
    ]


def _times(mode: str, name: str, other: str, times: float, bar: float) -> Measure:
    return Measure(f"{name}: {mode}, {_counted(MOST)}, times {other}", round(times, 2), "x", f">= {bar:g}")


def _counted(connections: int) -> str:
    return f"{connections} connection{'s' if connections > 1 else ''}"
