"""A meter that asks a Prometheus server, for operators that cannot reach the servers' own pages."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from rollout.judge import Cohort
from rollout.observations.counters import NAMES, STAGE, Sample, cohort
from rollout.sources import SourceError

OWN_LABELS = frozenset({"__name__", "model", "version", "variant", "stage", "kind", "le"})
"""Labels that the server gives; the others are Prometheus's, of what it scrapes."""

Labels = Mapping[str, str]


class PrometheusMeter:
    """Raw counters by instance, as Prometheus last scraped them.

    Not `increase()`: that extrapolates to the edges of its range, so it gives fractions of requests, takes a window
    that begins where Prometheus likes, and counts a request twice or never when two looks overlap or part. The last
    values, subtracted by `Evidence`, count each request once, and a restarted server as one that began at zero.

    Ask one Prometheus, not a pair behind a balancer: where the other one is a scrape behind, counters seem to fall.
    url: such as http://prometheus.monitoring:9090. labels: what series must carry as well, such as a namespace, where
    others serve the same model. token: shown as a bearer, where it is asked for.
    """

    def __init__(
        self,
        url: str,
        labels: Mapping[str, str] | None = None,
        token: str = "",
        headers: Mapping[str, str] | None = None,
        seconds: float = 5.0,
    ) -> None:
        self.url = url.rstrip("/")
        self._labels = dict(labels or {})
        shown = {"authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(timeout=seconds, headers={**(headers or {}), **shown})

    def read(self, model: str, version: str, endpoints: Sequence[str]) -> Mapping[str, Cohort]:
        """By instance as Prometheus names them, whatever the endpoints are; none for no endpoints.

        Raises SourceError when Prometheus does not answer, or has not scraped a server of this version.
        """
        if not endpoints:
            return {}
        wanted = {"model": model, "version": version, **self._labels}
        query = selector(wanted)
        by_instance: dict[str, dict[frozenset[tuple[str, str]], list[Sample]]] = {}
        for labels, value in self._asked(query):
            target = frozenset((key, text) for key, text in labels.items() if key not in OWN_LABELS)
            targets = by_instance.setdefault(labels.get("instance", ""), {})
            targets.setdefault(target, []).append(Sample(labels.get("__name__", ""), labels, value))
        self._require_all(by_instance, model, version)
        try:
            # A server that two jobs scrape is one server all the same.
            return {f"{name} {version}": cohort(each[min(each, key=sorted)]) for name, each in by_instance.items()}
        except ValueError as error:
            raise SourceError(f"Prometheus at {self.url} has other metrics than a model server's: {error}") from None

    def _require_all(self, found: Mapping[str, Mapping[Any, list[Sample]]], model: str, version: str) -> None:
        names = {sample.name for targets in found.values() for samples in targets.values() for sample in samples}
        for name in NAMES:
            if name not in names:
                only = f" with {selector(self._labels, '')}" if self._labels else ""
                raise SourceError(
                    f"Prometheus at {self.url} has no {name} of {model} version {version}{only}: does it scrape it?"
                )

    def _asked(self, query: str) -> list[tuple[Labels, float]]:
        """The series that a query gives now, and their values. Raises SourceError."""
        try:
            response = self._client.post(f"{self.url}/api/v1/query", data={"query": query})
            answer = response.json()
            if answer["status"] != "success":
                raise SourceError(f"Prometheus at {self.url} refuses to answer: {answer.get('error', answer)}")
            return [(series["metric"], float(series["value"][1])) for series in answer["data"]["result"]]
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceError(
                f"Prometheus at {self.url} does not answer: {str(error) or type(error).__name__}"
            ) from None
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            told = f"({response.status_code}, {response.text[:60]!r})"
            raise SourceError(f"what is at {self.url} answers, but not as a Prometheus does {told}") from None


def selector(labels: Mapping[str, str], names: str = "|".join(NAMES)) -> str:
    """All counters of one kind of servers in one query, so that all are of the same moment; only whole requests."""
    exact = [f'{key}="{_escaped(value)}"' for key, value in labels.items()]
    kinds = [f'__name__=~"{names}"', f'stage=~"{STAGE}|"'] if names else []
    return "{" + ", ".join([*kinds, *exact]) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
