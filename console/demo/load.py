"""Load generator of the demonstration: threads that ask a server for forecasts all the time."""

import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from itertools import cycle

from console.demo.gameweek import MODEL
from console.operations.forecasts import MatchQuestion, request_body

THREADS = 12
TIMEOUT_SECONDS = 30.0
PAUSE_SECONDS = 0.2
"""Rest of a thread after a request that failed."""
HEAD_END = b"\r\n\r\n"


class LoadGenerator:
    """Threads that ask for one match after the other, each over a connection of its own.

    answers: how often each version answered. failures: how often a request failed, by reason.
    """

    def __init__(self, host: str, port: int, questions: Sequence[MatchQuestion], threads: int = THREADS) -> None:
        self._host, self._port = host, port
        self._requests = [encode_request(question) for question in questions]
        self._threads = threads
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.answers: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()

    @property
    def requests(self) -> int:
        """Requests that were answered or failed so far."""
        return self.answers.total() + self.failures.total()

    @contextmanager
    def running(self) -> Iterator["LoadGenerator"]:
        """The threads run until the block is left."""
        threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(self._threads)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join()

    def _run(self, number: int) -> None:
        connection = KeepAliveConnection(self._host, self._port)
        first = number * len(self._requests) // self._threads
        for request in cycle([*self._requests[first:], *self._requests[:first]]):
            if self._stopped.is_set():
                break
            if not self._ask(connection, request):
                connection.close()
                self._stopped.wait(PAUSE_SECONDS)
        connection.close()

    def _ask(self, connection: "KeepAliveConnection", request: bytes) -> bool:
        """Send one request and count it; whether it was answered."""
        try:
            status, body = connection.send(request)
            answer = json.loads(body)
            answered = status == HTTPStatus.OK
            text = str(answer["model_version"]) if answered else f"{status} {answer.get('error')}"
        except (OSError, ValueError, LookupError) as error:
            answered, text = False, f"{type(error).__name__}: {error}"
        with self._lock:
            (self.answers if answered else self.failures)[text] += 1
        return answered


class KeepAliveConnection:
    """One HTTP/1.1 connection, with as much of HTTP as this server's answers take.

    A request over httpx costs 0.5 ms of processor time, more than the server's answer; this costs 0.02 ms. On a machine
    that both share, httpx would be what is measured.
    """

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._socket: socket.socket | None = None

    def send(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer. Raises OSError, ValueError, LookupError."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, TIMEOUT_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        head, _, body = self._receive(b"", lambda received: HEAD_END in received).partition(HEAD_END)
        length = int(head.lower().partition(b"content-length:")[2].split(maxsplit=1)[0])
        return int(head.split(maxsplit=2)[1]), self._receive(body, lambda received: len(received) >= length)

    def close(self) -> None:
        """Close it; the next request opens another."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _receive(self, received: bytes, complete: Callable[[bytes], bool]) -> bytes:
        while not complete(received):
            assert self._socket is not None  # noqa: S101
            more = self._socket.recv(65_536)
            if not more:
                raise ConnectionError("the connection was closed before the answer was complete")
            received += more
        return received


def encode_request(question: MatchQuestion) -> bytes:
    """An HTTP/1.1 request for one match."""
    body = json.dumps(request_body([question])).encode()
    head = f"POST /v2/models/{MODEL}/infer HTTP/1.1\r\nhost: matchday\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
