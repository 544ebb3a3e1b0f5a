"""How each source stands: when it last gave its data, and since when it has not.

<root>/sources.json    one object for each source
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

from matchday.storage import Storage

PATH = "sources.json"


@dataclass(frozen=True)
class SourceStanding:
    """One source. Moments: ISO 8601 UTC, empty when there is none.

    asked: the last try. last_success: the last one that gave its data. changed: when it last said something new.
    failing_since: the first try of those that have failed since then. reason: of the last failure. reachable: it
    answered the last try, whatever it said. rows: how many of each table it gave last.
    """

    source: str
    asked: str = ""
    last_success: str = ""
    changed: str = ""
    failing_since: str = ""
    reason: str = ""
    reachable: bool = True
    rows: dict[str, int] = field(default_factory=dict)

    def succeed(self, now: datetime, rows: dict[str, int], changed: bool) -> "SourceStanding":
        """After a try that gave its data."""
        moment = _text(now)
        return SourceStanding(self.source, moment, moment, moment if changed else self.changed, rows=rows)

    def fail(self, now: datetime, reason: str, reachable: bool) -> "SourceStanding":
        """After a try that gave nothing."""
        since = self.failing_since or _text(now)
        return replace(self, asked=_text(now), failing_since=since, reason=reason, reachable=reachable)


def read_standings(storage: Storage) -> dict[str, SourceStanding]:
    """The standing of each source that was ever asked. A record that cannot be read holds none."""
    try:
        return {line["source"]: SourceStanding(**line) for line in json.loads(storage.read(PATH))}
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return {}


def write_standings(storage: Storage, standings: Iterable[SourceStanding]) -> None:
    """Replace the record of all sources."""
    storage.write(PATH, json.dumps([asdict(one) for one in standings], indent=1).encode())


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
