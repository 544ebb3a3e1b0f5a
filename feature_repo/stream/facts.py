"""Facts: what is known of matches and of players in them, the highest revision of each."""

import hashlib
from typing import Any, NamedTuple

import orjson

RESULT = "result"
"""Subject of a match's result; every other subject is a player."""

RANK = 48
"""Characters of a rank."""


class Fact(NamedTuple):
    """What an event says. subject: RESULT, or the player's code as text. content: the event's data, JSON."""

    match: str
    subject: str
    rank: bytes
    content: bytes

    @property
    def season(self) -> str:
        """The season of the match: `2526`."""
        return self.match[:4]

    @property
    def stored(self) -> bytes:
        """Rank and content, as stores keep them."""
        return self.rank + self.content


def make_fact(data: dict[str, Any], time: float) -> Fact:
    """The fact of an event's data, valid by its schema. time: of the event, Unix seconds.

    Raises ValueError for data that are nested too deeply to be kept.
    """
    try:
        content = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    except TypeError as why:
        raise ValueError(f"the data cannot be kept: {why}") from None
    subject = str(int(data["player"])) if "player" in data else RESULT  # to JSON Schema, 7.0 is an integer too
    return Fact(data["match"], subject, rank(int(data["revision"]), time, content), content)


def rank(revision: int, time: float, content: bytes) -> bytes:
    """Which of two facts of one subject counts: the one whose rank is greater as text.

    First the revision decides, then the later event, then a digest of the content: so it never matters which of
    two facts came first, and facts of the same rank are the same fact.
    """
    micros = min(max(round(time * 1e6), 0), 10**16 - 1)
    return b"%016d%016d%b" % (revision, micros, hashlib.sha256(content).hexdigest()[:16].encode())


def content_of(stored: bytes) -> dict[str, Any]:
    """The data of a stored fact."""
    data: dict[str, Any] = orjson.loads(stored[RANK:])
    return data


def highest(facts: list[Fact]) -> list[Fact]:
    """The fact that counts of each subject, in order of its first mention."""
    found: dict[tuple[str, str], Fact] = {}
    for fact in facts:
        key = (fact.match, fact.subject)
        known = found.get(key)
        if known is None or fact.rank > known.rank:
            found[key] = fact
    return list(found.values())
