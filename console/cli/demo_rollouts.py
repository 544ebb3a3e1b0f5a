"""Two scenes of the demonstration: a candidate that is promoted, and two that are rolled back."""

from collections.abc import Iterator
from contextlib import contextmanager

from console.cli import screen
from console.cli.rollout import format_decision, print_findings
from console.demo.gameweek import MODEL
from console.demo.playground import Playground, open_playground
from console.demo.variants import ERRING, SIMPLER, SWAPPED, Variant
from console.operations.rollouts import find_findings
from matchday.calendar import Gameweek
from matchday.errors import MatchdayError
from rollout.judge import Finding
from rollout.state import HistoryEntry, Phase, State

SHOWN = ("errors", "latency p95", "latency p99", "predictions distance", "predictions shift", "history")
"""Checks whose figures are printed with each decision; the table at the end has the rest."""


def play_rollout(gameweek: Gameweek, port: int) -> None:
    """A simpler model, tried on real requests step by step, and promoted. Raises MatchdayError if it is not."""
    screen.heading("4  A rollout: is the goals model alone as good as the champion?")
    with _playground("rollout", gameweek, port) as playground:
        state = _try_out(playground, SIMPLER)
        print_findings(find_findings(state))
        champion = playground.registry.resolve(f"mlflow://{MODEL}@champion").version
        _print_traffic(playground, f"champion of the copy is version {champion}")
    if state.phase is not Phase.PROMOTED:
        raise MatchdayError(f"the good candidate was not promoted: {state.reason}")


def play_rollback(gameweek: Gameweek, port: int) -> None:
    """Two spoiled models, one caught before any user saw it, one at the first weight. Raises MatchdayError if not."""
    screen.heading("5  Two spoiled candidates")
    with _playground("rollback", gameweek, port) as playground:
        states = [_try_out(playground, variant) for variant in (SWAPPED, ERRING)]
        _print_traffic(playground, f"champion is version {playground.champion.version} as before")
    if any(state.phase is not Phase.ROLLED_BACK for state in states):
        raise MatchdayError("a spoiled candidate was not rolled back")


@contextmanager
def _playground(scene: str, gameweek: Gameweek, port: int) -> Iterator[Playground]:
    with open_playground(scene, gameweek, port) as playground:
        screen.say("", f"  on a copy of the registry in {playground.folder}: yours keeps its champion")
        yield playground


def _try_out(playground: Playground, variant: Variant) -> State:
    return playground.try_out(
        variant, lambda version: screen.say(f"  version {version}: {variant.about}"), _print_decision
    )


def _print_decision(entry: HistoryEntry) -> None:
    screen.say(f"  {format_decision(entry)}")
    findings = [found for found in map(Finding.from_dict, entry.findings) if _name(found) in SHOWN and found.n]
    if findings and entry.phase is not Phase.ROLLED_BACK:
        screen.say("", f"  {'':<15} {', '.join(map(_figures, findings))}")


def _figures(found: Finding) -> str:
    return f"{_name(found)} {found.estimate or 0:.3g} (limit {found.limit or 0:.3g}, n {found.n:,})"


def _name(found: Finding) -> str:
    return f"{found.check} {found.measure}".strip()


def _print_traffic(playground: Playground, more: str) -> None:
    """How many requests each version answered meanwhile, and the most frequent failures."""
    load = playground.load
    shares = ", ".join(f"version {version} {count:,}" for version, count in sorted(load.answers.items()))
    failed = f"{load.failures.total():,} failed" if load.failures else "none failed"
    screen.say(f"  {load.requests:,} requests in the meantime, {failed}: {shares}; {more}")
    for reason, count in load.failures.most_common(3):
        screen.say(f"  {count:,} times: {reason}")
