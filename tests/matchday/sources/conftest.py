"""The stand-in of the upstreams, and sources that read from it without waiting."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.demo.upstream.server import TOKEN, UpstreamServer
from matchday.sources import football_data_org, football_data_uk, fpl
from matchday.sources.live import FOOTBALL_DATA_ORG
from matchday.sources.raw import RawAnswer, RawAnswers
from matchday.sources.upstream import Received, Upstream
from matchday.storage import Storage
from tests.services.upstream.bundled import past_season

SEASON = "2526"
SATURDAY = datetime(2025, 11, 29, 16, 0, tzinfo=UTC)
"""Within gameweek 13: the matches of 15:00 are live."""


class Sources:
    """The three sources of a server, with one store of answers. pauses: what was slept, in seconds."""

    def __init__(self, server: UpstreamServer, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.answers = RawAnswers(Storage(folder.as_uri()))
        self.pauses: list[float] = []

    def upstream(self, name: str, path: str = "", **options: object) -> Upstream:
        return Upstream(
            name,
            self.server.url + path,
            self.answers,
            now=lambda: self.server.now,
            sleep=self.pauses.append,
            **options,  # type: ignore[arg-type]
        )

    def fpl(self, **options: object) -> Upstream:
        return self.upstream(fpl.SOURCE, "/api", **options)

    def uk(self, **options: object) -> Upstream:
        return self.upstream(football_data_uk.SOURCE, **options)

    def org(self, token: str = TOKEN, **options: object) -> Upstream:
        return self.upstream(
            football_data_org.SOURCE, headers={FOOTBALL_DATA_ORG.token_header: token} if token else None, **options
        )


@pytest.fixture(scope="session")
def listening() -> Iterator[UpstreamServer]:
    with UpstreamServer(past_season(SEASON)) as server:
        yield server


@pytest.fixture
def server(listening: UpstreamServer) -> UpstreamServer:
    """The stand-in on a Saturday afternoon, with nothing planned."""
    listening.reset(past_season(SEASON), SATURDAY)
    return listening


@pytest.fixture
def sources(server: UpstreamServer, tmp_path: Path) -> Sources:
    return Sources(server, tmp_path / "collected")


@pytest.fixture(scope="session")
def receive() -> Callable[[bytes], Received]:
    """An answer with a body, as if just received."""

    def received(body: bytes) -> Received:
        digest = hashlib.sha256(body).hexdigest()
        return Received(body, RawAnswer("http://source.example/answer", digest, SATURDAY.isoformat()), fresh=True)

    return received
