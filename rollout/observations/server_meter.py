"""A meter that reads the servers' `/metrics` from the servers themselves."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from matchday.telemetry import logger
from rollout.judge import Cohort
from rollout.observations.counters import BUCKETS, NAMES, PREFIX, STAGE, Sample, cohort
from rollout.sources import SourceError

AT_ONCE = 16
"""Servers asked at the same time."""
MOST_BYTES = 16 * 2**20
"""Of a page; more is no page of a server."""

_LINE = re.compile(rf'({PREFIX}\w+)\{{((?:[^"}}]|"(?:[^"\\]|\\.)*")*)\}} (\S+)')
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


class ServerMeter:
    """Counters of the servers at the endpoints, which must be servers themselves: one behind a balancer is none.

    `/metrics` asks for no token, so none is shown. seconds: what one server has to answer.
    """

    def __init__(self, seconds: float = 2.0) -> None:
        self._seconds = seconds
        self._client = httpx.Client(timeout=seconds, trust_env=False, headers={"accept": "text/plain; version=0.0.4"})
        self._log = logger("rollout")

    def read(self, model: str, version: str, endpoints: Sequence[str]) -> Mapping[str, Cohort]:
        """By endpoint; those that do not answer are left out. Raises SourceError when none can be read."""
        if not endpoints:
            return {}
        with ThreadPoolExecutor(min(AT_ONCE, len(endpoints))) as pool:
            found = list(pool.map(lambda endpoint: self._read(endpoint, model, version), endpoints))
        read = {endpoint: one for endpoint, one in zip(endpoints, found, strict=True) if isinstance(one, Cohort)}
        silent = [f"{endpoint}: {one}" for endpoint, one in zip(endpoints, found, strict=True) if endpoint not in read]
        if not read:
            raise SourceError(f"no metrics of {model} version {version}: {'; '.join(silent[:3])}")
        if silent:
            self._log.warning("not counted", model=model, version=version, servers=silent)
        return read

    def _read(self, endpoint: str, model: str, version: str) -> Cohort | str:
        """What one server has counted, or why that is not known."""
        try:
            page = self._page(f"{endpoint.rstrip('/')}/metrics")
            return of_page(page, model, version)
        except httpx.HTTPStatusError as error:
            return f"answers {error.response.status_code}"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"does not answer ({str(error) or type(error).__name__})"
        except ValueError as error:
            return str(error)

    def _page(self, url: str) -> str:
        """The text at a URL. Raises httpx.HTTPError, or ValueError when it is too large or drips."""
        until = time.monotonic() + self._seconds
        with self._client.stream("GET", url) as response:
            response.raise_for_status()
            content = bytearray()
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > MOST_BYTES or time.monotonic() > until:
                    raise ValueError(f"its page did not end within {self._seconds:g} s and {MOST_BYTES >> 20} MiB")
        return content.decode("utf-8", "replace")


def of_page(page: str, model: str, version: str) -> Cohort:
    """What a page of Prometheus text says of a version; nothing counted where it knows none.

    Raises ValueError, in a sentence, for a page that is not one of this release's servers.
    """
    for name in NAMES:
        if f"# TYPE {name.removesuffix('_bucket')} " not in page:
            raise ValueError(f"its page has no {name}: no model server, or one of another release")
    return cohort(_samples(page, model, version))


def _samples(page: str, model: str, version: str) -> Iterator[Sample]:
    """The lines that count. What cannot be one is skipped by a look for plain text: a page has hundreds of them."""
    for line in page.splitlines():
        if not line.startswith(NAMES) or (line.startswith(BUCKETS) and f'stage="{STAGE}"' not in line):
            continue
        parts = _LINE.match(line)
        if parts is None:
            raise ValueError(f"its page has a line that cannot be read: {line[:80]!r}")
        labels = {key: _ESCAPED.sub(_unescaped, value) for key, value in _LABEL.findall(parts[2])}
        if (labels.get("model"), labels.get("version")) == (model, version):
            yield Sample(parts[1], labels, float(parts[3]))


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else found[1]
