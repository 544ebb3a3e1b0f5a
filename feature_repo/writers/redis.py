"""Writes rows into Feast's Redis layout: one hash for each entity, with the rows of all views.

A script decides and writes inside the server, so that no other writer comes between; rows go out in pipelines.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from redis import Redis, RedisError
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError
from redis.retry import Retry

from feature_repo.error import FeatureStoreError
from feature_repo.online import client_options, counter_key
from feature_repo.writers.counts import WriteCounts
from feature_repo.writers.mark import mark_name
from feature_repo.writers.pages import pages
from feature_repo.writers.row import EncodedRow, FeatureRow, encode, fields_of
from feature_repo.writers.scripts import load_script
from matchday.feast_layout.keys import key_prefix, time_name
from matchday.feast_layout.moments import MILLION, encode_micros
from matchday.online_store import RedisAddress, directory_key

PAGE = 500
"""Rows in one pipeline."""

SCANNED = 1000
"""Keys that Redis looks at in one step of a search."""

RETRIES, PAUSE_SECONDS = 2, 0.1
"""Attempts after a lost connection, and the time before each."""

OLDER, UNCHANGED, WRITTEN = -1, 0, 1
"""What the script returns."""

GROUP = 50
"""Rows that the script writes in one call, in less than a millisecond: nobody else is served meanwhile."""

Call = list[bytes | str | int]

Shape = tuple[str, str | None, tuple[str, ...], bool]
"""View, join key and features of a row, and whether it is derived."""


class RedisWriter:
    """Writes the rows of a Feast project.

    address: for people. life_seconds: after which entities that are not written again run out; 0 for never.
    staged: by a refill, which moves the rows to their place and lists their entities itself.
    """

    def __init__(
        self, redis: Redis, address: str, project: str = "matchday", life_seconds: int = 0, staged: bool = False
    ) -> None:
        self.address = address
        self.project = project
        self.life_seconds = life_seconds
        self.staged = staged
        self._redis = redis
        self._suffix = project.encode()
        self._script = load_script("write_rows")
        self._loaded = False
        self._listed: set[str] = set()

    def write(self, rows: Iterable[FeatureRow]) -> WriteCounts:
        """Write the rows; see `OnlineWriter`."""
        return self.write_encoded(map(encode, rows))

    def write_encoded(self, rows: Iterable[EncodedRow]) -> WriteCounts:
        """Write the rows; see `OnlineWriter`."""
        replies: list[int] = []
        try:
            self._load_script()
            with ThreadPoolExecutor(1) as sender:
                sent: Future[list[int]] | None = None
                for page in pages(rows, PAGE):
                    for join_key in {row.join_key for row in page if row.join_key} - self._listed:
                        self._list_entities(join_key)
                    calls = self._calls(page)
                    if sent:
                        replies += sent.result()
                    sent = sender.submit(self._run, calls)
                replies += sent.result() if sent else []
        except RedisError as error:
            raise refusal(self.address, error) from error
        return WriteCounts(replies.count(WRITTEN), replies.count(UNCHANGED), replies.count(OLDER))

    def count_refills(self) -> int:
        """How often the store was refilled; see `OnlineWriter`."""
        try:
            count: Any = self._redis.get(counter_key(self.project))
            return int(count or 0)
        except RedisError as error:
            raise refusal(self.address, error) from error

    def close(self) -> None:
        """Close the connection."""
        self._redis.close()

    def _calls(self, page: Iterable[EncodedRow]) -> list[Call]:
        """What EVALSHA takes after the script, for rows of one view and the same features at a time."""
        alike: dict[Shape, list[EncodedRow]] = {}
        for row in page:
            alike.setdefault((row.view, row.join_key, tuple(row.values), row.derived), []).append(row)
        return [self._call(shape, group) for shape, rows in alike.items() for group in pages(rows, GROUP)]

    def _call(self, shape: Shape, rows: Sequence[EncodedRow]) -> Call:
        """Number of keys, keys and arguments, as `write_rows.lua` says."""
        view, join_key, names, derived = shape
        names, fields = fields_of(view, names)
        listed = [directory_key(self.project, join_key)] if join_key and not self.staged else []
        call: Call = [len(rows) + len(listed), *[row.entity + self._suffix for row in rows], *listed]
        call += [
            len(rows),
            self.project,
            time_name(view),
            mark_name(view),
            self.staged + 2 * derived,
            self.life_seconds,
        ]
        call += [len(fields), *fields]
        for row in rows:
            call += _encode_time(row.micros)
            call.append(row.revision.to_bytes(8))
            call += [row.values[name] for name in names]
        return call

    def _run(self, calls: Sequence[Call]) -> list[int]:
        """Run the script for each call; loads it again when the server has forgotten it, as after a start."""
        replies = self._send(calls)
        unknown = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:
            self._loaded = False
            self._load_script()
            for at, reply in zip(unknown, self._send([calls[at] for at in unknown]), strict=True):
                replies[at] = reply
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return [order for reply in replies for order in reply]

    def _load_script(self) -> None:
        """Give the script to the server, once. A short command of its own: to a long one refusals are not explained."""
        if not self._loaded:
            self._redis.script_load(self._script.text)
            self._loaded = True

    def _send(self, calls: Sequence[Call]) -> list[Any]:
        with self._redis.pipeline(transaction=False) as pipe:
            for call in calls:
                pipe.execute_command("EVALSHA", self._script.sha, *call)
            return pipe.execute(raise_on_error=False)

    def _list_entities(self, join_key: str) -> None:
        """Make the set of a join key's entities where there is none, though Feast alone has written some before."""
        directory = directory_key(self.project, join_key)
        if not self.staged and not self._redis.exists(directory):
            for page in pages(find_keys(self._redis, join_key, self.project), PAGE):
                self._redis.sadd(directory, *[key.removesuffix(self.project.encode()) for key in page])
        self._listed.add(join_key)


@lru_cache(4096)
def _encode_time(micros: int) -> tuple[bytes, int, int]:
    """An event time in Feast's bytes, and its seconds and nanoseconds."""
    seconds, rest = divmod(micros, MILLION)
    return encode_micros(micros), seconds, rest * 1000


def connect(address: RedisAddress) -> Redis:
    """A client that connects when first used, and again at once when the connection was lost.

    A server that stays away is the caller's to wait for.
    """
    retry: Retry = Retry(ConstantBackoff(PAUSE_SECONDS), RETRIES, supported_errors=(RedisConnectionError,))
    return Redis(**client_options(address), retry=retry)


def find_keys(redis: Redis, join_key: str, project: str) -> Iterator[bytes]:
    """Keys of a project's rows. The pattern also finds projects whose name ends alike: those are left out."""
    prefix, name = key_prefix(join_key), project.encode()
    for key in redis.scan_iter(match=_escape(prefix) + b"*" + _escape(name), count=SCANNED):
        value = len(prefix) + 8
        size = int.from_bytes(key[value - 4 : value], "little")
        if key[value + size :] == name:
            yield key


def refusal(address: object, why: RedisError) -> FeatureStoreError:
    """The error of a Redis that cannot be reached or refuses. address: without a password."""
    return FeatureStoreError(
        f"the online store {address} refuses ({why}): check MATCHDAY_ONLINE_STORE, and that Redis is running"
    )


def _escape(raw: bytes) -> bytes:
    """Escape bytes that have a meaning in a Redis pattern."""
    return b"".join(b"\\" + bytes([byte]) if byte in b"*?[]^\\-" else bytes([byte]) for byte in raw)
