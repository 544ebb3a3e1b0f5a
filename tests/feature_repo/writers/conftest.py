"""The two kinds of online store, empty for each project name."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from feature_repo.writers import OnlineWriter, open_writer
from matchday.online_store import RedisAddress, parse_online_store
from serving.features import open_store
from serving.features.store import OnlineStore
from tests.services.redis import RedisServer, redis_server

PROJECTS = count()


@dataclass(frozen=True)
class Place:
    """An online store by its URL. whole_seconds: event times are read without their fraction."""

    url: str
    whole_seconds: bool

    @property
    def address(self) -> Path | RedisAddress:
        """As a writer takes it."""
        return parse_online_store(self.url)

    def writer(self, project: str = "matchday") -> OnlineWriter:
        """A writer of our own."""
        return open_writer(self.address, project)

    def reader(self, project: str = "matchday") -> OnlineStore:
        """The server's reader."""
        return open_store(self.url, project)


def new_project() -> str:
    """A name that no other test has used, without rows therefore."""
    return f"matchday{next(PROJECTS)}"


@pytest.fixture(scope="session")
def writers_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis for all tests of writers; not to be stopped."""
    with redis_server(tmp_path_factory.mktemp("writers"), password="p@ss/word:1") as running:
        yield running


@pytest.fixture(scope="session")
def in_redis(writers_redis: RedisServer) -> Place:
    """The store in Redis."""
    return Place(writers_redis.url, whole_seconds=False)


@pytest.fixture(scope="session")
def in_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The store in a file."""
    return Place(f"sqlite:///{tmp_path_factory.mktemp('writers') / 'online.db'}", whole_seconds=True)


@pytest.fixture(params=["redis", "sqlite"], scope="session")
def place(request: pytest.FixtureRequest) -> Place:
    """Either kind of store."""
    found: Place = request.getfixturevalue(f"in_{request.param}")
    return found
