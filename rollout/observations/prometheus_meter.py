"""Meter that asks a Prometheus server, for operators that cannot reach the servers' own pages."""

import re
from collections.abc import Mapping, Sequence

from rollout.judge import Cohort
from rollout.observations.counters import NAMES, STAGE, CounterSample, sum_samples
from rollout.observations.kserve_counters import KSERVE_NAMES, KServeCounters
from rollout.observations.prometheus import PrometheusClient
from rollout.sources import SourceError
from rollout.splitter import server_address

OWN_LABELS = frozenset({"__name__", "model", "version", "variant", "stage", "kind", "le", "model_name"})
"""Labels that the server sets; Prometheus sets the others when it scrapes."""

Target = frozenset[tuple[str, str]]
"""Labels of a scrape target."""
UP = "up"
"""Series of Prometheus' own: 1 for a target that it has scraped."""


class PrometheusMeter:
    """Raw counters by instance, as Prometheus last scraped them.

    It does not use `increase()`, which extrapolates to the edges of its range: it gives fractions of requests, and
    counts a request twice or never when two ranges overlap or leave a gap. Differences of raw values, as `Evidence`
    takes them, count each request once, and a restarted server from zero.

    labels: that series must have as well, such as a namespace, where others serve the same model.
    """

    def __init__(self, client: PrometheusClient, labels: Mapping[str, str] | None = None) -> None:
        self._client = client
        self._labels = dict(labels or {})
        self._kserve = KServeCounters()

    def read(self, model: str, version: str, endpoints: Sequence[str], mirrored: bool = False) -> Mapping[str, Cohort]:
        """Counters by instance as Prometheus names them; none for no endpoints.

        Those of Matchday's servers are found by their labels, others by the endpoints.

        mirrored: as in `Meter`. Raises SourceError when Prometheus does not answer, or has not scraped a server of this
        version.
        """
        if not endpoints:
            return {}
        by_instance = self._by_instance(selector({"model": model, "version": version, **self._labels}))
        if not by_instance and (found := self._read_kserve(model, version, endpoints)):
            return found
        self._require_all_names(by_instance, model, version)
        try:
            return {f"{name} {version}": sum_samples(each, mirrored) for name, each in by_instance.items()}
        except ValueError as error:
            raise self._not_a_server(error) from None

    def _by_instance(self, query: str) -> dict[str, list[CounterSample]]:
        """Samples of each instance. A server that two jobs scrape is one server."""
        found: dict[str, dict[Target, list[CounterSample]]] = {}
        for labels, value in self._client.query(query):
            target = frozenset((key, text) for key, text in labels.items() if key not in OWN_LABELS)
            targets = found.setdefault(labels.get("instance", ""), {})
            targets.setdefault(target, []).append(CounterSample(labels.get("__name__", ""), labels, value))
        return {name: targets[min(targets, key=sorted)] for name, targets in found.items()}

    def _read_kserve(self, model: str, version: str, endpoints: Sequence[str]) -> dict[str, Cohort]:
        """Counters of servers that KServe's SDK runs, by instance. They name no version: endpoints say whose they are.

        A server that is scraped and has answered nothing has no series of its model, and counts as zero.
        """
        instances = "|".join(re.escape(server_address(endpoint)) for endpoint in endpoints)
        names = "|".join([UP, *KSERVE_NAMES])
        exact = "".join(f', {key}="{_escape(value)}"' for key, value in self._labels.items())
        only = f'instance=~"{_escape(instances)}", model_name=~"{_escape(re.escape(model))}|"'
        found = self._by_instance(f'{{__name__=~"{names}", {only}{exact}}}')
        try:
            return {
                f"{name} {version}": self._kserve.cohort(name, [each for each in samples if each.name != UP])
                for name, samples in found.items()
                if any(each.name == UP and each.value == 1 for each in samples)
            }
        except ValueError as error:
            raise self._not_a_server(error) from None

    def _not_a_server(self, error: ValueError) -> SourceError:
        return SourceError(f"Prometheus at {self._client.url} has other metrics than a model server's: {error}")

    def _require_all_names(self, found: Mapping[str, list[CounterSample]], model: str, version: str) -> None:
        names = {sample.name for samples in found.values() for sample in samples}
        for name in NAMES:
            if name not in names:
                only = f" with {selector(self._labels, '')}" if self._labels else ""
                missing = f"has no {name} of {model} version {version}{only}"
                raise SourceError(f"Prometheus at {self._client.url} {missing}: does it scrape it?")


def selector(labels: Mapping[str, str], names: str = "|".join(NAMES)) -> str:
    """Selector of all counters with these labels, whole requests only; one query reads them at the same moment."""
    exact = [f'{key}="{_escape(value)}"' for key, value in labels.items()]
    kinds = [f'__name__=~"{names}"', f'stage=~"{STAGE}|"'] if names else []
    return "{" + ", ".join([*kinds, *exact]) + "}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
