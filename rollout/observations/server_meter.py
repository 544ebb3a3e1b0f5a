"""Meter that reads `/metrics` of the servers themselves."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
from prometheus_client.parser import text_string_to_metric_families

from matchday.telemetry import logger
from rollout.judge import Cohort
from rollout.observations.counters import BUCKETS, NAMES, STAGE, CounterSample, sum_samples
from rollout.observations.kserve_counters import KSERVE_NAMES, PREDICT, KServeCounters
from rollout.sources import SourceError

PARALLEL_SERVERS = 16
"""Servers asked at the same time."""
MOST_BYTES = 16 * 2**20
"""Of a page; a larger one is not a server's."""


class ServerMeter:
    """Counters of the servers at these endpoints. Each must be a server itself, not one behind a balancer.

    Matchday's own servers, and those that KServe's Python SDK runs: a page says which. `/metrics` asks for no token, so
    none is sent. seconds: timeout of one server.
    """

    def __init__(self, seconds: float = 2.0) -> None:
        self._seconds = seconds
        self._client = httpx.Client(timeout=seconds, trust_env=False, headers={"accept": "text/plain; version=0.0.4"})
        self._kserve = KServeCounters()
        self._log = logger("rollout")

    def read(self, model: str, version: str, endpoints: Sequence[str], mirrored: bool = False) -> Mapping[str, Cohort]:
        """Counters by endpoint, without endpoints that do not answer. Raises SourceError when none can be read.

        mirrored: copies of users' requests count as well.
        """
        if not endpoints:
            return {}
        with ThreadPoolExecutor(min(PARALLEL_SERVERS, len(endpoints))) as pool:
            found = list(pool.map(lambda endpoint: self._read(endpoint, model, version, mirrored), endpoints))
        read = {endpoint: one for endpoint, one in zip(endpoints, found, strict=True) if isinstance(one, Cohort)}
        failed = [f"{endpoint}: {one}" for endpoint, one in zip(endpoints, found, strict=True) if endpoint not in read]
        if not read:
            raise SourceError(f"no metrics of {model} version {version}: {'; '.join(failed[:3])}")
        if failed:
            self._log.warning("servers not counted", model=model, version=version, servers=failed)
        return read

    def _read(self, endpoint: str, model: str, version: str, mirrored: bool) -> Cohort | str:
        """Counters of one server, or why they cannot be read."""
        try:
            page = self._fetch(f"{endpoint.rstrip('/')}/metrics")
            if is_kserve(page):
                return self._kserve.cohort(endpoint, _samples(page, KSERVE_NAMES, {"model_name": model}))
            return parse_page(page, model, version, mirrored)
        except httpx.HTTPStatusError as error:
            return f"answers {error.response.status_code}"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"does not answer ({str(error) or type(error).__name__})"
        except ValueError as error:
            return str(error)

    def _fetch(self, url: str) -> str:
        """The text at a URL. Raises httpx.HTTPError; ValueError when it is too large or arrives too slowly."""
        deadline = time.monotonic() + self._seconds
        with self._client.stream("GET", url) as response:
            response.raise_for_status()
            content = bytearray()
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > MOST_BYTES or time.monotonic() > deadline:
                    raise ValueError(f"its page did not end within {self._seconds:g} s and {MOST_BYTES >> 20} MiB")
        return content.decode("utf-8", "replace")


def parse_page(page: str, model: str, version: str, mirrored: bool = False) -> Cohort:
    """Counters of a version on a page of Prometheus text; zero for a version that the server does not know.

    mirrored: copies of users' requests count as well. Raises ValueError, with a sentence, for a page that is not of
    this release's server.
    """
    for name in NAMES:
        if f"# TYPE {name.removesuffix('_bucket')} " not in page:
            raise ValueError(f"its page has no {name}: no model server, or one of another release")
    lines = "".join(f"{line}\n" for line in page.split("\n") if _may_count(line, model, version))
    return sum_samples(_samples(lines, NAMES, {"model": model, "version": version}), mirrored)


def is_kserve(page: str) -> bool:
    """Whether a page is of a server that KServe's Python SDK runs."""
    return f"# TYPE {PREDICT.removesuffix('_bucket')} " in page


def _samples(page: str, names: Sequence[str], labels: Mapping[str, str]) -> list[CounterSample]:
    """Samples of these names with these labels. Raises ValueError for a page that cannot be read."""
    lines = "".join(f"{line}\n" for line in page.split("\n") if line.startswith(tuple(names)))
    try:
        samples = [sample for family in text_string_to_metric_families(lines) for sample in family.samples]
    except (ValueError, IndexError) as error:
        raise ValueError(f"its page cannot be read: {error}") from None
    return [
        CounterSample(each.name, each.labels, each.value)
        for each in samples
        if all(each.labels.get(name) == value for name, value in labels.items())
    ]


def _may_count(line: str, model: str, version: str) -> bool:
    """Whether a line may hold a counter of this version, by looking for plain text.

    Parsing costs ten times as much, and most lines of a page are of other metrics, stages and versions.
    """
    if not line.startswith(NAMES) or (line.startswith(BUCKETS) and f'stage="{STAGE}"' not in line):
        return False
    return f'model="{_escape(model)}"' in line and f'version="{_escape(version)}"' in line


def _escape(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
