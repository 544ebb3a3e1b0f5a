"""A cluster that stops answering: calls wait for it, and a stage that fails meanwhile is no failure of the project."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from tests.cluster import result
from tests.cluster.context import StageContext
from tests.cluster.kube import AWAY, ask_again
from tests.cluster.shell import Failure
from tests.cluster.silence import MOST_SECONDS, ApiSilence
from tests.services.processes import free_port
from tests.waiting import eventually


@contextmanager
def api_server(port: int) -> Iterator[None]:
    """Something that answers every path, as an API server refuses who has no name: 401."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(401)

        def log_message(self, *arguments: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def test_silence_grows_while_nothing_answers_and_its_longest_is_kept_until_the_next_stage() -> None:
    port = free_port()
    silence = ApiSilence(f"http://127.0.0.1:{port}")
    with silence.watched(pause_seconds=0.01):
        eventually(lambda: silence.longest > 1)
        with api_server(port):
            eventually(lambda: silence.lasts < 1)
            assert silence.longest > 1
            silence.begin_stage()
            assert silence.longest < 1


def test_what_took_no_connection_is_asked_again_and_nothing_else_is() -> None:
    said = [*AWAY]

    def call() -> str:
        if said:
            raise Failure(f"kubectl get pods failed (1): {said.pop()}")
        return "pods"

    assert ask_again(call, pause_seconds=0) == "pods"
    for other in ("error: timed out waiting for the condition", "psql: connection refused"):
        said = [other]
        with pytest.raises(Failure, match=other):
            ask_again(call, pause_seconds=0)
        assert said == []


def test_a_server_that_stays_away_ends_the_asking_with_its_own_words() -> None:
    def call() -> str:
        raise Failure("Unable to connect to the server: connection refused")

    with pytest.raises(Failure, match="connection refused"):
        ask_again(call, seconds=0, pause_seconds=0)


@pytest.mark.parametrize(("away", "verdict"), [(MOST_SECONDS - 1, "NO"), (MOST_SECONDS + 1, "silent")])
def test_only_a_failure_in_a_silence_is_no_verdict(away: float, verdict: str) -> None:
    silence = SimpleNamespace(begin_stage=lambda: None, longest=away)
    context = cast("StageContext", SimpleNamespace(silence=silence))
    console = Console(quiet=True)

    def fail(context: StageContext) -> list[str]:
        raise Failure("no answer")

    assert result.play("a", fail, context, console).verdict == verdict
    assert result.play("a", lambda context: ["seen"], context, console).verdict == "yes"
