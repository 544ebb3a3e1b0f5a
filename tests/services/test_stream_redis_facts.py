"""The laws of facts on a real Redis."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feature_repo.error import FeatureStoreError
from feature_repo.stream.facts import Fact
from feature_repo.stream.redis_facts import RedisFacts
from matchday.online_store import RedisAddress
from tests.feature_repo.stream import fact_laws
from tests.feature_repo.stream.fact_laws import FACTS
from tests.services.redis import RedisServer, redis_server

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def handles(server: RedisServer) -> Iterator[tuple[RedisFacts, RedisFacts]]:
    server.client().flushall()
    address = RedisAddress.parse(server.url)
    found = RedisFacts(address), RedisFacts(address)
    yield found
    for one in found:
        one.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FACTS, st.integers(0, 999))
def test_any_order_of_facts_ends_in_the_same_content(
    server: RedisServer, handles: tuple[RedisFacts, RedisFacts], facts: list[Fact], seed: int
) -> None:
    server.client().flushall()
    fact_laws.check_any_order(*handles, facts, seed)


def test_progress_and_offsets_never_go_back(handles: tuple[RedisFacts, RedisFacts]) -> None:
    fact_laws.check_notes(*handles)


def test_a_redis_that_was_emptied_goes_on_above_its_versions(
    server: RedisServer, handles: tuple[RedisFacts, RedisFacts]
) -> None:
    def lose() -> RedisFacts:
        server.client().flushall()
        return handles[1]

    fact_laws.check_a_lost_store_goes_on_above(handles[0], lose)


def test_two_projects_share_a_redis(server: RedisServer, handles: tuple[RedisFacts, RedisFacts]) -> None:
    fact_laws.check_notes(*handles)
    other = RedisFacts(RedisAddress.parse(server.url), "another")
    assert (other.seasons(), other.offsets(), other.note("lake")) == ([], {}, "")
    other.close()


def test_a_redis_that_is_away_is_told_without_its_password(tmp_path: Path) -> None:
    with redis_server(tmp_path, password="very-secret") as gone:
        store = RedisFacts(RedisAddress.parse(gone.url))
        assert store.seasons() == []
    with pytest.raises(FeatureStoreError, match="refuses facts") as refused:
        store.seasons()
    assert "very-secret" not in str(refused.value)
    store.close()
