"""Whether an update would change nothing, told from the sources' answers alone, without pandas.

What an update does is decided by the answers, by what was collected before, by the bundled history, the lake and this
code. When all of them are what they were when an update had nothing to do, there is nothing to do again.

<root>/settled.json    of the last update that had nothing to do: what decided it, and what it said
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from matchday.collected.configured import season_of
from matchday.collected.layout import RESTORING
from matchday.collected.report import Disagreement, SourceOutcome, UpdateReport
from matchday.collected.standings import SourceStanding, read_standings, write_standings
from matchday.lake import LakeError
from matchday.lake.reader import LakeReader
from matchday.sources.upstream import SourceError, Upstream
from matchday.storage import Storage

PATH = "settled.json"
OBSERVED = (
    "observed_teams",
    "observed_fixtures",
    "observed_players",
    "observed_appearances",
    "observed_rules",
    "observed_odds",
    "refused_rows",
)
"""Tables of what was collected, by name: those of `matchday.collected.store`, and quarantine."""
STANDARD = ("teams", "fixtures", "matches", "appearances", "players", "availability")
"""Tables of the lake by name: `matchday.collected.current.BUILDERS`."""
RECEIPTS = ("ingested.json", "published.json")
"""In the lake: what `matchday.history` and `matchday.collected.publication` note."""


@dataclass(frozen=True)
class Place:
    """What an update works on: roots of what was collected and of the lake, and the folder of the bundled history."""

    collected: str
    lake: str
    snapshot: Path


def ask_again(place: Place, upstreams: Mapping[str, Upstream], now: Callable[[], datetime]) -> UpdateReport | None:
    """The report of an update that has nothing to do, and how the sources stand noted; None where it may have.

    upstreams: the sources in the order of asking. They are asked for what that update asked them, until one says
    something else; what they answered is then there for the update. Call it with the lock held.
    """
    storage = Storage(place.collected)
    try:
        settled = json.loads(storage.read(PATH))
        noted = read_standings(storage)
        standings = {name: one for name, one in noted.items() if name in upstreams}
        if not _holds(settled, place, now()) or not list(settled["answers"]) == list(upstreams) == list(standings):
            return None
        if any(_differs(upstreams[name], answers) for name, answers in settled["answers"].items()):
            return None
        succeeded = {name: one.succeed(now(), one.rows, changed=False) for name, one in standings.items()}
        report = _report(settled["report"], succeeded, now())
    except (FileNotFoundError, ValueError, KeyError, TypeError, LakeError, SourceError):
        return None
    write_standings(storage, (noted | succeeded).values())
    return report


def note(place: Place, upstreams: Mapping[str, Upstream], report: UpdateReport) -> None:
    """Note what decided an update that had nothing to do; of another one nothing. Call it with the lock held.

    An update with news is none: the next one asks for less, as its matches are known then.
    """
    if report.failed or report.tables or any(any(one.added.values()) for one in report.sources) or report.refused:
        return
    answers = {
        name: [[path, query, received.origin.sha256] for (path, query), received in one.received.items()]
        for name, one in upstreams.items()
    }
    said = {
        "kept": report.kept,
        "disagreements": [asdict(one) for one in report.disagreements],
        "warnings": report.warnings,
        "seasons": report.seasons,
    }
    settled = {
        "moment": report.moment.isoformat(),
        "until": report.until and report.until.isoformat(),
        "season": season_of(report.moment),
        "state": _state(place),
        "answers": answers,
        "report": said,
    }
    Storage(place.collected).write(PATH, json.dumps(settled, indent=1).encode())


def _holds(settled: Mapping[str, Any], place: Place, now: datetime) -> bool:
    """Whether all but the answers is as it was then, and nothing has changed by time alone."""
    until = settled["until"]
    return (
        datetime.fromisoformat(settled["moment"]) < now
        and (until is None or now <= datetime.fromisoformat(until))
        and settled["season"] == season_of(now)
        and settled["state"] == _state(place)
        and not Storage(place.collected).files(RESTORING)
        and all(map(LakeReader(place.lake).intact, STANDARD))
    )


def _differs(upstream: Upstream, answers: list[list[Any]]) -> bool:
    """Whether a source says something else now. Raises SourceError."""
    return any(upstream.receive(path, dict(query)).origin.sha256 != sha256 for path, query, sha256 in answers)


def _state(place: Place) -> dict[str, Any]:
    """Fingerprints of what was collected, of the lake, of the bundled history, and of the code."""
    lake = LakeReader(place.lake)
    files = {one.name: [one.stat().st_size, one.stat().st_mtime_ns] for one in sorted(place.snapshot.iterdir())}
    return {
        "collected": LakeReader(place.collected).fingerprints(OBSERVED),
        "lake": lake.fingerprints(STANDARD),
        "receipts": [hashlib.sha256(lake.storage.read(one)).hexdigest() for one in RECEIPTS],
        "snapshot": files,
        "code": _code(),
    }


def _code() -> str:
    """Fingerprint of the domain's code."""
    files = sorted(Path(__file__).parent.parent.rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _report(said: Mapping[str, Any], standings: Mapping[str, SourceStanding], moment: datetime) -> UpdateReport:
    """What the last update said and still holds, and nothing new."""
    return UpdateReport(
        moment=moment,
        sources=tuple(SourceOutcome(one, dict.fromkeys(one.rows, 0)) for one in standings.values()),
        changes=(),
        refused=(),
        kept=int(said["kept"]),
        disagreements=tuple(
            Disagreement(**one | {"others": tuple(map(tuple, one["others"]))}) for one in said["disagreements"]
        ),
        warnings=tuple(said["warnings"]),
        seasons=tuple(said["seasons"]),
        tables=(),
        until=None,
    )
