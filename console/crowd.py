"""People who ask for forecasts all the time, for the demonstration."""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from itertools import cycle

from console.forecasts import MODEL, Question

END = b"\r\n\r\n"
PEOPLE = 12
ANSWER_SECONDS = 30.0
GIVEN_UP_SECONDS = 0.2


class Crowd:
    """Threads that ask one match after the other, and what became of it: version that answered -> how often."""

    def __init__(self, host: str, port: int, questions: Sequence[Question]) -> None:
        self._host, self._port = host, port
        self._requests = [_request(question) for question in questions]
        self._lock = threading.Lock()
        self._gone = threading.Event()
        self.answers: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()

    @property
    def asked(self) -> int:
        """Requests that were answered or failed so far."""
        return self.answers.total() + self.failures.total()

    @contextmanager
    def asking(self) -> Iterator["Crowd"]:
        """They ask until the block is left."""
        people = [threading.Thread(target=self._ask, args=(place,), daemon=True) for place in range(PEOPLE)]
        for person in people:
            person.start()
        try:
            yield self
        finally:
            self._gone.set()
            for person in people:
                person.join()

    def _ask(self, place: int) -> None:
        line = Line(self._host, self._port)
        start = place * len(self._requests) // PEOPLE
        for request in cycle([*self._requests[start:], *self._requests[:start]]):
            if self._gone.is_set():
                line.close()
                return
            said, answered = _asked(line, request)
            with self._lock:
                (self.answers if answered else self.failures)[said] += 1
            if not answered:
                line.close()
                time.sleep(GIVEN_UP_SECONDS)


class Line:
    """A connection that is kept, with no more of HTTP than it takes: a library takes as long as the answer."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._socket: socket.socket | None = None

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of an answer. Raises OSError, ValueError."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, ANSWER_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        head, _, body = self._read(b"", lambda told: END in told).partition(END)
        length = int(head.lower().partition(b"content-length:")[2].split(maxsplit=1)[0])
        return int(head.split(maxsplit=2)[1]), self._read(body, lambda told: len(told) >= length)

    def close(self) -> None:
        """Hang up; the next request calls again."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _read(self, told: bytes, whole: Callable[[bytes], bool]) -> bytes:
        while not whole(told):
            assert self._socket is not None  # noqa: S101
            more = self._socket.recv(65_536)
            if not more:
                raise ConnectionError("the connection was closed before the answer was whole")
            told += more
        return told


def _asked(line: Line, request: bytes) -> tuple[str, bool]:
    """The version that answered, or the reason why none did."""
    try:
        status, body = line.ask(request)
        said = json.loads(body)
    except (OSError, ValueError, IndexError) as error:
        return f"{type(error).__name__}: {error}", False
    return (str(said["model_version"]), True) if status == HTTPStatus.OK else (f"{status} {said.get('error')}", False)


def _request(question: Question) -> bytes:
    said = {"home": question.home, "away": question.away, "kickoff": question.kickoff}
    inputs = [{"name": name, "datatype": "BYTES", "shape": [1], "data": [value]} for name, value in said.items()]
    body = json.dumps({"inputs": inputs}).encode()
    head = f"POST /v2/models/{MODEL}/infer HTTP/1.1\r\nhost: matchday\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
