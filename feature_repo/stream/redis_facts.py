"""Facts in the Redis of the online store.

matchday:stream:facts:2526-ARS-LIV   hash: subject -> stored fact
matchday:stream:matches:2526         sorted set: match -> version at which its facts changed last
matchday:stream:seasons              hash: season -> version
matchday:stream:made, :until         hashes: season -> progress
matchday:stream:offsets              hash: topic:partition -> offset
matchday:stream:notes                hash: name -> value
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from redis import Redis, RedisError

from feature_repo.error import FeatureStoreError
from feature_repo.online import client_options
from feature_repo.stream.fact_store import Changes, Position, Progress
from feature_repo.stream.facts import RANK, Fact, highest
from matchday.online_store import RedisAddress

PAGE = 50
"""Matches whose facts are read at once: Redis answers others in between."""

PUT = f"""
local prefix, now, kept, at = KEYS[1], tonumber(ARGV[1]), 0, 2
local changed, versions = {{}}, {{}}
while at < #ARGV do
  local match, count = ARGV[at], tonumber(ARGV[at + 1])
  local key = prefix .. 'facts:' .. match
  at = at + 2
  for _ = 1, count do
    local known = redis.call('HGET', key, ARGV[at])
    if not known or string.sub(ARGV[at + 1], 1, {RANK}) > string.sub(known, 1, {RANK}) then
      redis.call('HSET', key, ARGV[at], ARGV[at + 1])
      kept = kept + 1
      changed[match] = string.sub(match, 1, 4)
    end
    at = at + 2
  end
end
for match, season in pairs(changed) do
  if not versions[season] then
    local before = tonumber(redis.call('HGET', prefix .. 'seasons', season) or 0)
    versions[season] = string.format('%.0f', math.max(before + 1, now))
    redis.call('HSET', prefix .. 'seasons', season, versions[season])
  end
  redis.call('ZADD', prefix .. 'matches:' .. season, versions[season], match)
end
return kept
"""
"""Ranks are digits and lower hexadecimal letters, which every locale orders alike."""

RAISE = """
for at = 1, #ARGV, 2 do
  local known = redis.call('HGET', KEYS[1], ARGV[at])
  if not known or tonumber(ARGV[at + 1]) > tonumber(known) then
    redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
  end
end
"""
"""Sets fields of a hash to numbers that are higher than what is there."""


class RedisFacts:
    """See `FactStore`."""

    def __init__(self, address: RedisAddress, project: str = "matchday") -> None:
        self._address = address
        self._prefix = f"{project}:stream:"
        self._redis: Any = Redis(**client_options(address))
        self._put = self._redis.register_script(PUT)
        self._raise = self._redis.register_script(RAISE)

    def put(self, facts: Sequence[Fact]) -> int:
        """As `FactStore.put`; one script."""
        matches: dict[str, list[Fact]] = {}
        for fact in highest(list(facts)):
            matches.setdefault(fact.match, []).append(fact)
        if not matches:
            return 0
        arguments: list[Any] = [round(time.time() * 1000)]
        for match, of_match in matches.items():
            arguments += [match, len(of_match)]
            for fact in of_match:
                arguments += [fact.subject, fact.stored]
        with self._failures():
            return int(self._put(keys=[self._prefix], args=arguments))

    def changes(self, season: str, since: int) -> Changes:
        """As `FactStore.changes`. Facts that come meanwhile may be among them already, and are told again later."""
        with self._failures():
            version = int(self._redis.hget(self._prefix + "seasons", season) or 0)
            names = self._redis.zrangebyscore(self._prefix + "matches:" + season, f"({since}", "+inf")
            found: dict[str, dict[str, bytes]] = {}
            for at in range(0, len(names), PAGE):
                page = [name.decode() for name in names[at : at + PAGE]]
                with self._redis.pipeline(transaction=False) as asked:
                    for match in page:
                        asked.hgetall(f"{self._prefix}facts:{match}")
                    for match, stored in zip(page, asked.execute(), strict=True):
                        found[match] = {subject.decode(): content for subject, content in stored.items()}
        return Changes(version, found)

    def version(self, season: str) -> int:
        """As `FactStore.version`."""
        with self._failures():
            return int(self._redis.hget(self._prefix + "seasons", season) or 0)

    def seasons(self) -> list[str]:
        """As `FactStore.seasons`."""
        with self._failures():
            return sorted(season.decode() for season in self._redis.hkeys(self._prefix + "seasons"))

    def progress(self, season: str) -> Progress:
        """As `FactStore.progress`."""
        with self._failures():
            made = self._redis.hget(self._prefix + "made", season)
            until = self._redis.hget(self._prefix + "until", season)
        return Progress(int(made or 0), float(until or 0))

    def note_progress(self, season: str, progress: Progress) -> None:
        """As `FactStore.note_progress`."""
        with self._failures():
            self._raise(keys=[self._prefix + "made"], args=[season, progress.version])
            self._raise(keys=[self._prefix + "until"], args=[season, repr(progress.until)])

    def offsets(self) -> dict[Position, int]:
        """As `FactStore.offsets`."""
        with self._failures():
            found = self._redis.hgetall(self._prefix + "offsets")
        split = [(name.decode().rpartition(":"), int(after)) for name, after in found.items()]
        return {(topic, int(part)): after for (topic, _, part), after in split}

    def note_offsets(self, offsets: Mapping[Position, int]) -> None:
        """As `FactStore.note_offsets`."""
        if offsets:
            pairs = [item for (topic, part), after in offsets.items() for item in (f"{topic}:{part}", after)]
            with self._failures():
                self._raise(keys=[self._prefix + "offsets"], args=pairs)

    def forget_offsets(self, positions: Sequence[Position]) -> None:
        """As `FactStore.forget_offsets`."""
        if positions:
            with self._failures():
                self._redis.hdel(self._prefix + "offsets", *(f"{topic}:{part}" for topic, part in positions))

    def note(self, name: str, value: str | None = None) -> str:
        """As `FactStore.note`."""
        with self._failures():
            if value is not None:
                self._redis.hset(self._prefix + "notes", name, value)
            return (self._redis.hget(self._prefix + "notes", name) or b"").decode()

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, OSError) as error:
            raise FeatureStoreError(f"the online store {self._address} refuses facts: {error}") from error
