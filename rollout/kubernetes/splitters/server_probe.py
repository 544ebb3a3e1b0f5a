"""Probe of model servers by paths that need no token: is a version ready, and which version is served."""

from collections.abc import Iterable

import httpx
from prometheus_client.parser import text_string_to_metric_families

from rollout.observations.counters import REQUESTS
from rollout.splitter import SplitError

TIMEOUT_SECONDS = 3.0


class ServerProbe:
    """Asks servers at their base URLs."""

    def is_ready(self, url: str, model: str, version: str) -> bool:
        """Whether a server is ready to answer for a version of a model.

        One that knows no versions, as KServe's SDK says by 501, is asked for the model: its pod says of which version.
        """
        answer = _get(f"{url}/v2/models/{model}/versions/{version}/ready")
        if answer is not None and answer.status_code == httpx.codes.NOT_IMPLEMENTED:
            answer = _get(f"{url}/v2/models/{model}/ready")
        return answer is not None and answer.status_code == httpx.codes.OK

    def served_version(self, urls: Iterable[str], model: str) -> str:
        """The version of a model that all these servers serve, from their metrics. Raises SplitError."""
        versions = {version for url in urls for version in _served_versions(url, model)}
        if len(versions) != 1:
            answer = f"say {', '.join(sorted(versions))}" if versions else "do not say"
            raise SplitError(f"the stable servers of {model} {answer} which version they serve")
        return versions.pop()


def _served_versions(url: str, model: str) -> set[str]:
    answer = _get(f"{url}/metrics")
    if answer is None or not answer.is_success:
        return set()
    try:
        samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    except ValueError:
        return set()
    counted = [each.labels for each in samples if each.name == REQUESTS and each.labels.get("model") == model]
    return {labels["version"] for labels in counted if "version" in labels}


def _get(url: str) -> httpx.Response | None:
    try:
        return httpx.get(url, timeout=TIMEOUT_SECONDS, trust_env=False)
    except httpx.HTTPError:
        return None
