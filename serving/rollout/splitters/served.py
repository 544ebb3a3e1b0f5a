"""What servers say that they serve."""

import re
from collections.abc import Iterable

from serving.rollout.observations.series import REQUESTS
from serving.rollout.splitters.splitter import SplitError

_SERIES = re.compile(rf"^{REQUESTS}\{{(.*)\}} ", re.MULTILINE)


def served(urls: Iterable[str], model: str) -> str:
    """The version of a model that every one of these servers has, by its metrics. Raises SplitError."""
    versions = {version for url in urls for version in _versions(url, model)}
    if len(versions) != 1:
        said = f"say {', '.join(sorted(versions))}" if versions else "do not say"
        raise SplitError(f"the stable servers of {model} {said} which version they serve")
    return versions.pop()


def _versions(url: str, model: str) -> set[str]:
    import httpx

    try:
        answer = httpx.get(f"{url}/metrics", timeout=3.0, trust_env=False)
        answer.raise_for_status()
    except httpx.HTTPError:
        return set()
    labels = [dict(re.findall(r'(\w+)="([^"]*)"', each)) for each in _SERIES.findall(answer.text)]
    return {each["version"] for each in labels if each.get("model") == model and "version" in each}
