"""Envoy's own statistics: requests to a server that is gone are counted, and to their version alone."""

import httpx
import pytest

from rollout.embedded.envoy_statistics import EnvoyStatistics
from rollout.sources import SourceError
from tests.rollout.conftest import RolloutHome
from tests.rollout.embedded.test_splitter import SECONDS, kill, started
from tests.serving.conftest import match

ASKED = 40


def statuses(root: RolloutHome) -> list[int]:
    """Of some requests through Envoy."""
    url = f"http://127.0.0.1:{root.port}/v2/models/match-outcome/infer"
    with httpx.Client(timeout=SECONDS) as client:
        return [client.post(url, json=match()).status_code for _ in range(ASKED)]


@pytest.mark.services
def test_requests_to_a_killed_server_are_counted_as_failures_of_its_version(root: RolloutHome) -> None:
    splitter = started(root)
    statistics = EnvoyStatistics(splitter.envoy)
    assert splitter.split(50)
    assert set(statuses(root)) == {200}
    assert [statistics.failures("", version, ()) for version in ("1", "2")] == [0, 0]
    kill(splitter, "2")
    failed = sum(status >= 500 for status in statuses(root))
    assert 0 < failed < ASKED
    assert [statistics.failures("", version, ()) for version in ("1", "2", "3")] == [0, failed, 0]
    splitter.close()
    with pytest.raises(SourceError, match="failed requests cannot be counted"):
        statistics.failures("", "2", ())
