"""What servers say of themselves, by paths that need no token."""

import re
from collections.abc import Iterable

import httpx

from rollout.observations.counters import REQUESTS
from rollout.splitter import SplitError

_SERIES = re.compile(rf"^{REQUESTS}\{{(.*)\}} ", re.MULTILINE)
SECONDS = 3.0
"""That a server may take to answer."""


class ServerProbe:
    """Servers by their base URLs."""

    def has(self, url: str, model: str, version: str) -> bool:
        """Whether one is ready to answer for a model in a version."""
        answer = _get(f"{url}/v2/models/{model}/versions/{version}/ready")
        return answer is not None and answer.status_code == httpx.codes.OK

    def version(self, urls: Iterable[str], model: str) -> str:
        """The version of a model that every one of them has, by their metrics. Raises SplitError."""
        versions = {version for url in urls for version in _versions(url, model)}
        if len(versions) != 1:
            said = f"say {', '.join(sorted(versions))}" if versions else "do not say"
            raise SplitError(f"the stable servers of {model} {said} which version they serve")
        return versions.pop()


def _versions(url: str, model: str) -> set[str]:
    answer = _get(f"{url}/metrics")
    if answer is None or not answer.is_success:
        return set()
    labels = [dict(re.findall(r'(\w+)="([^"]*)"', each)) for each in _SERIES.findall(answer.text)]
    return {each["version"] for each in labels if each.get("model") == model and "version" in each}


def _get(url: str) -> httpx.Response | None:
    try:
        return httpx.get(url, timeout=SECONDS, trust_env=False)
    except httpx.HTTPError:
        return None
