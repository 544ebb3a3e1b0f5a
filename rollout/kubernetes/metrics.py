"""Prometheus metrics of the operator: where each rollout is, rounds and their errors, and the lease."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from rollout.state import Phase, State

PREFIX = "matchday_rollout"
LABELS = ("rollout", "service", "model")
VERDICTS = ("pass", "wait", "inconclusive", "fail")


@dataclass(frozen=True)
class _Seen:
    """A rollout as its last round left it."""

    labels: tuple[str, str, str]
    state: State


def _namespace_of(name: str) -> str:
    """The prefix of a name, such as `sales/`; empty for those of the operator's own namespace."""
    namespace, slash, _ = name.rpartition("/")
    return namespace + slash


class OperatorMetrics(Collector):
    """Counts rounds, and shows the last state of each rollout that exists."""

    def __init__(self, held: Callable[[], bool], *slow: Callable[[], Mapping[str, float]]) -> None:
        """held: whether this process has the lease. slow: as in `watch`."""
        self._held = held
        self._slow = [*slow]
        self._seen: dict[str, _Seen] = {}
        self._registry = CollectorRegistry()
        self.rounds = Counter(f"{PREFIX}_rounds", "Rounds of a service.", ["service"], registry=self._registry)
        self.errors = Counter(
            f"{PREFIX}_errors", "Actions that were put off in a round.", ["service"], registry=self._registry
        )
        self._registry.register(self)

    def watch(self, slow: Callable[[], Mapping[str, float]]) -> None:
        """Show the slow rounds of one namespace. slow: seconds of those under way, by service."""
        self._slow.append(slow)

    def observe(self, name: str, service: str, model: str, state: State) -> None:
        """Show this state of a rollout."""
        self._seen[name] = _Seen((name, service, model), state)

    def keep(self, names: Collection[str], prefix: str = "") -> None:
        """Show no other rollouts than these any more. prefix: of the names of one namespace; empty: the operator's."""
        self._seen = {name: seen for name, seen in self._seen.items() if name in names or _namespace_of(name) != prefix}

    def text(self) -> bytes:
        """All metrics, as Prometheus reads them."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Gauges of the lease, of slow rounds and of rollouts."""
        yield GaugeMetricFamily(f"{PREFIX}_lease_held", "Whether this operator acts.", value=float(self._held()))
        slow = GaugeMetricFamily(f"{PREFIX}_slow_round_seconds", "Rounds under way that are slow.", labels=["service"])
        for service, seconds in (item for each in self._slow for item in each().items()):
            slow.add_metric([service], seconds)
        yield slow
        yield self._choice("phase", "1 for the phase that it is in.", [str(phase) for phase in Phase])
        yield self._choice("verdict", "1 for the judge's last verdict.", VERDICTS)
        yield self._number("weight", "Percent of requests that the candidate should have.", lambda state: state.weight)
        yield self._number("waiting", "1 while a person is asked to approve.", lambda state: bool(state.gate))
        yield self._number("paused", "1 while it is paused.", lambda state: state.paused)
        yield self._number("problem", "1 while an action or a source fails.", lambda state: bool(state.problem))
        yield self._number("stalled", "1 while a roll-back takes too long.", lambda state: state.stalled)

        yield self._evidence("evidence", "Sample that a check has so far, the smaller one of both versions.", "n")
        yield self._evidence("evidence_needed", "About how much more of it decides a check, where known.", "needed")

    def _evidence(self, name: str, about: str, field: str) -> GaugeMetricFamily:
        """A gauge for each check and measure of the last findings: the greatest, where one has several."""
        family = GaugeMetricFamily(f"{PREFIX}_{name}", about, labels=[*LABELS, "check", "measure"])
        for seen in [*self._seen.values()]:
            found: dict[tuple[str, str], float] = {}
            for finding in seen.state.findings:
                if finding.get(field) is not None:
                    key = (str(finding.get("check", "")), str(finding.get("measure", "")))
                    found[key] = max(found.get(key, 0.0), float(finding[field]))
            for key, value in found.items():
                family.add_metric([*seen.labels, *key], value)
        return family

    def _choice(self, field: str, about: str, choices: Collection[str]) -> GaugeMetricFamily:
        """A gauge for each value that a field may have: 1 for the present one."""
        family = GaugeMetricFamily(f"{PREFIX}_{field}", about, labels=[*LABELS, field])
        for seen in [*self._seen.values()]:
            for choice in choices:
                family.add_metric([*seen.labels, choice], float(str(getattr(seen.state, field)) == choice))
        return family

    def _number(self, field: str, about: str, read: Callable[[State], float]) -> GaugeMetricFamily:
        family = GaugeMetricFamily(f"{PREFIX}_{field}", about, labels=LABELS)
        for seen in [*self._seen.values()]:
            family.add_metric(seen.labels, float(read(seen.state)))
        return family
