"""The HTTP client: limits, credentials, redirects and silence, against real servers."""

import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from matchday import http
from matchday.http import (
    AnswerTooLarge,
    HttpClient,
    HttpError,
    HttpUnreachable,
    UntrustedCertificate,
    basic_authentication,
    load_authorities,
)
from tests.services.certificates import self_signed
from tests.services.processes import free_port


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked; /big, /gone, /moved and /short are special."""

    def do_GET(self) -> None:
        asked = {"path": self.path, "headers": {name.lower(): value for name, value in self.headers.items()}}
        match self.path.partition("?")[0]:
            case "/base/big":
                self._reply(200, b"x" * 1000)
            case "/base/gone":
                self._reply(404, b'{"message": "gone"}')
            case "/base/moved":
                self._reply(302, b"", location="http://elsewhere.example/")
            case "/base/short":
                self.send_response(200)
                self.send_header("content-length", "1000")
                self.end_headers()
                self.wfile.write(b"x")
            case _:
                self._reply(200, json.dumps(asked).encode())

    def _reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def listening(context: ssl.SSLContext | None = None) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with listening() as port:
        yield port


def test_a_path_below_the_url_is_asked_with_its_query_and_the_headers(port: int) -> None:
    client = HttpClient(f"http://127.0.0.1:{port}/base/", {"x-mine": "1"})
    answer = client.get("/a%20b", {"name": "x y"})
    assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(answer.body)))
    asked = answer.json()
    assert asked["path"] == "/base/a%20b?name=x+y"
    assert asked["headers"]["x-mine"] == "1"
    assert "authorization" not in asked["headers"]


def test_credentials_of_the_url_are_sent_and_not_shown(port: int) -> None:
    client = HttpClient(f"http://me:s%2Fcret@127.0.0.1:{port}/base")
    assert client.url == f"http://127.0.0.1:{port}/base"
    wanted = basic_authentication("me", "s/cret")["authorization"]
    assert client.get("/").json()["headers"]["authorization"] == wanted
    given = HttpClient(f"http://me:s%2Fcret@127.0.0.1:{port}/base", {"authorization": "Bearer t"})
    assert given.get("/").json()["headers"]["authorization"] == "Bearer t"
    silent = HttpClient(f"http://me:s3cret@127.0.0.1:{free_port()}")
    with pytest.raises(HttpUnreachable) as caught:
        silent.get("/")
    assert "s3cret" not in str(caught.value)


def test_a_redirect_is_an_answer(port: int) -> None:
    answer = HttpClient(f"http://127.0.0.1:{port}/base").get("/moved")
    assert (answer.status, answer.headers["location"]) == (302, "http://elsewhere.example/")


def test_a_body_beyond_the_limit_is_not_kept(port: int, tmp_path: Path) -> None:
    client = HttpClient(f"http://127.0.0.1:{port}/base")
    assert len(client.get("/big", limit=1000).body) == 1000
    with pytest.raises(AnswerTooLarge, match=r"/base/big is larger than 999 bytes"):
        client.get("/big", limit=999)
    with pytest.raises(AnswerTooLarge):
        client.download("/big", tmp_path / "file", limit=999)


def test_only_an_answer_with_status_200_becomes_a_file(port: int, tmp_path: Path) -> None:
    client = HttpClient(f"http://127.0.0.1:{port}/base")
    answer = client.download("/gone", tmp_path / "file", limit=10)
    assert (answer.status, answer.json()) == (404, {"message": "gone"})
    assert not (tmp_path / "file").exists()
    assert client.download("/big", tmp_path / "file", limit=1000).status == 200
    assert (tmp_path / "file").read_bytes() == b"x" * 1000


def test_who_does_not_answer_is_told_with_the_reason(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = free_port()
    with pytest.raises(HttpUnreachable, match=rf"http://127\.0\.0\.1:{nobody} does not answer \(Connection refused\)"):
        HttpClient(f"http://127.0.0.1:{nobody}").get("/")
    with pytest.raises(HttpUnreachable, match="does not answer"):
        HttpClient("http://no-such-host.invalid").get("/")
    with pytest.raises(HttpUnreachable, match="does not answer"):
        HttpClient(f"http://127.0.0.1:{port}/base").get("/short")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(HttpUnreachable, match="timed out"):
            HttpClient(f"http://127.0.0.1:{silent.getsockname()[1]}", silence_seconds=0.2).get("/")
    monkeypatch.setattr(http, "ANSWER_SECONDS", -1.0)
    with pytest.raises(HttpUnreachable, match="did not arrive within"):
        HttpClient(f"http://127.0.0.1:{port}/base").get("/big")


@pytest.mark.parametrize("url", ["ftp://u:s3cret@x", "http://", "x", "http://host:port", "http://u:s3cret@h:99999"])
def test_a_malformed_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(HttpError, match="is not an address of a server") as caught:
        HttpClient(url)
    assert "s3cret" not in str(caught.value)


def test_an_untrusted_certificate_is_told_from_silence(tmp_path: Path) -> None:
    public, private = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    with listening(context) as port:
        url = f"https://127.0.0.1:{port}/base"
        with pytest.raises(UntrustedCertificate, match=r"certificate that is not trusted \(self-signed certificate\)"):
            HttpClient(url).get("/")
        assert HttpClient(url, trust=load_authorities(str(public))).get("/").status == 200
    with pytest.raises(OSError, match="No such file"):
        load_authorities(str(tmp_path / "none.pem"))


def test_importing_it_does_not_import_httpx() -> None:
    code = "import sys, matchday.http; matchday.http.HttpClient('http://x'); assert 'httpx' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_server_on_this_machine_is_asked_past_the_proxy(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    url = f"http://127.0.0.1:{port}/base"
    assert HttpClient(url, direct=True).get("/").status == 200
    with pytest.raises(HttpUnreachable):
        HttpClient(url).get("/")
