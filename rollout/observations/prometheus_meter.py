"""Meter that asks a Prometheus server, for operators that cannot reach the servers' own pages."""

from collections.abc import Mapping, Sequence

from rollout.judge import Cohort
from rollout.observations.counters import NAMES, STAGE, CounterSample, sum_samples
from rollout.observations.prometheus import PrometheusClient
from rollout.sources import SourceError

OWN_LABELS = frozenset({"__name__", "model", "version", "variant", "stage", "kind", "le"})
"""Labels that the server sets; Prometheus sets the others when it scrapes."""

Target = frozenset[tuple[str, str]]
"""Labels of a scrape target."""


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

    def read(self, model: str, version: str, endpoints: Sequence[str]) -> Mapping[str, Cohort]:
        """Counters by instance as Prometheus names them, whatever the endpoints are; none for no endpoints.

        Raises SourceError when Prometheus does not answer, or has not scraped a server of this version.
        """
        if not endpoints:
            return {}
        by_instance: dict[str, dict[Target, list[CounterSample]]] = {}
        for labels, value in self._client.query(selector({"model": model, "version": version, **self._labels})):
            target = frozenset((key, text) for key, text in labels.items() if key not in OWN_LABELS)
            targets = by_instance.setdefault(labels.get("instance", ""), {})
            targets.setdefault(target, []).append(CounterSample(labels.get("__name__", ""), labels, value))
        self._require_all_names(by_instance, model, version)
        try:
            # A server that two jobs scrape is one server.
            return {f"{name} {version}": sum_samples(each[min(each, key=sorted)]) for name, each in by_instance.items()}
        except ValueError as error:
            raise SourceError(
                f"Prometheus at {self._client.url} has other metrics than a model server's: {error}"
            ) from None

    def _require_all_names(
        self, found: Mapping[str, Mapping[Target, list[CounterSample]]], model: str, version: str
    ) -> None:
        names = {sample.name for targets in found.values() for samples in targets.values() for sample in samples}
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
