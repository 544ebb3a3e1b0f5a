"""Forecasts of a server: what is sent, what is read, and what a server that refuses is reported as."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from console.operations.forecasts import ForecastError, MatchQuestion, ask
from tests import kinds

QUESTIONS = [MatchQuestion("ARS", "LIV", "2026-05-24T15:00:00Z"), MatchQuestion("MCI", "AVL", "2026-05-24T15:00:00Z")]


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[str, list[Any]]]:
    """A server that answers every request alike: its URL, and the path and body of each request."""
    requests: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # keeps connections, as the model server does

        def do_POST(self) -> None:
            requests.append((self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_each_match_is_a_row_of_each_tensor_and_of_the_answer() -> None:
    outputs = [
        {"name": "explanation", "data": [9.0]},
        {"name": "probabilities", "data": [0.5, 0.3, 0.2, 0.1, 0.2, 0.7]},
    ]
    body = json.dumps({"outputs": outputs, "parameters": {"model_version": "7"}}).encode()
    with answering(200, body) as (url, requests):
        answer = ask(url, "match-outcome", QUESTIONS)
    assert answer.rows == [(0.5, 0.3, 0.2), (0.1, 0.2, 0.7)]
    assert answer.columns == ("home", "draw", "away")
    assert answer.probabilities
    assert answer.parameters == {"model_version": "7"}
    [(path, sent)] = requests
    assert path == "/v2/models/match-outcome/infer"
    assert {one["name"]: one["data"] for one in sent["inputs"]} == {
        "home": ["ARS", "MCI"],
        "away": ["LIV", "AVL"],
        "kickoff": ["2026-05-24T15:00:00Z"] * 2,
    }


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b'{"error": "unknown team \'XYZ\'"}', "unknown team 'XYZ'"), (b"not JSON", "status 400"), (b"[]", "status 400")],
)
def test_a_refusal_is_reported_in_the_servers_words(body: bytes, reason: str) -> None:
    with answering(400, body) as (url, _), pytest.raises(ForecastError, match=f"^the server refused: {reason}$"):
        ask(url, "match-outcome", QUESTIONS)


@pytest.mark.parametrize("body", [b"not JSON", b"[]", b"{}", b'{"outputs": []}', b'{"outputs": [{"name": "x"}]}'])
def test_an_answer_of_another_kind_of_server_is_refused(body: bytes) -> None:
    with answering(200, body) as (url, _), pytest.raises(ForecastError, match="is not a forecast of match-outcome"):
        ask(url, "match-outcome", QUESTIONS)


def test_a_model_of_players_is_not_asked_for_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds.add_to_catalogue(monkeypatch)
    with answering(200, b"{}") as (url, requests), pytest.raises(ForecastError, match="players' matches, not matches"):
        ask(url, kinds.NAME, QUESTIONS)
    assert not requests
