"""Servers that cannot be read: one of several is left out of a round; a version of which none can be read blocks."""

from collections.abc import Mapping, Sequence

import pytest

from rollout.observations.kserve_counters import ANSWERED, PREDICT
from rollout.observations.prometheus import PrometheusClient
from rollout.observations.prometheus_meter import UP, PrometheusMeter
from rollout.sources import SourceError

ENDPOINTS = ("http://10.0.0.1:8080", "http://10.0.0.2:8080")
Series = tuple[Mapping[str, str], float]


class ScrapedServers(PrometheusClient):
    """A Prometheus that knows these servers of KServe's SDK. up: by instance, whether it could scrape it."""

    def __init__(self, up: Mapping[str, bool]) -> None:
        super().__init__("http://prometheus")
        self.up = up

    def query(self, query: str) -> list[Series]:
        if UP not in query:
            return []
        return [series for instance, up in self.up.items() for series in _series(instance, up)]


def _series(instance: str, up: bool) -> Sequence[Series]:
    scraped: list[Series] = [({"__name__": UP, "instance": instance}, float(up))]
    if not up:
        return scraped
    model = {"instance": instance, "model_name": "churn"}
    buckets = [({"__name__": PREDICT, "le": le, **model}, 10.0) for le in ("0.1", "1.0", "+Inf")]
    return [*scraped, *buckets, ({"__name__": ANSWERED, **model}, 10.0)]


@pytest.mark.parametrize("second", [{}, {"10.0.0.2:8080": False}])
def test_one_of_several_that_is_not_scraped_is_left_out(second: dict[str, bool]) -> None:
    meter = PrometheusMeter(ScrapedServers({"10.0.0.1:8080": True, **second}))
    assert {name: each.requests for name, each in meter.read("churn", "v8", ENDPOINTS).items()} == {
        "10.0.0.1:8080 v8": 10
    }


@pytest.mark.parametrize("up", [{}, {"10.0.0.1:8080": False, "10.0.0.2:8080": False}])
def test_a_version_of_which_no_server_is_scraped_blocks(up: dict[str, bool]) -> None:
    with pytest.raises(SourceError, match="does it scrape it"):
        PrometheusMeter(ScrapedServers(up)).read("churn", "v8", ENDPOINTS)
