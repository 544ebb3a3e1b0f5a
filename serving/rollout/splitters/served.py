"""What servers say that they serve."""

from collections.abc import Iterable

from serving.rollout.splitters.splitter import SplitError

SERIES = "matchday_serving_requests_total"


def served(urls: Iterable[str], model: str) -> str:
    """The version that every one of these servers has of a model, by its metrics. Raises SplitError."""
    versions = {version for url in urls for version in _versions(url, model)}
    if len(versions) != 1:
        said = f"say {', '.join(sorted(versions))}" if versions else "do not say"
        raise SplitError(f"the stable servers of {model} {said} which version they serve")
    return versions.pop()


def _versions(url: str, model: str) -> set[str]:
    import httpx
    from prometheus_client.parser import text_string_to_metric_families

    try:
        answer = httpx.get(f"{url}/metrics", timeout=3.0, trust_env=False)
        answer.raise_for_status()
        samples = [each for family in text_string_to_metric_families(answer.text) for each in family.samples]
    except (httpx.HTTPError, ValueError):
        return set()
    return {each.labels["version"] for each in samples if each.name == SERIES and each.labels.get("model") == model}
