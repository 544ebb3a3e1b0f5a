"""Live data: updated, described, decided about, backed up."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from matchday import telemetry
from matchday.collected import backup as archives
from matchday.collected.backup import BackupSummary
from matchday.collected.configured import SourceSettings
from matchday.collected.configured_update import update_configured
from matchday.collected.lock import hold_lock
from matchday.collected.quarantine import Quarantine
from matchday.collected.standings import SourceStanding, read_standings
from matchday.collected.store import ObservationStore
from matchday.collected.update import UpdateReport
from matchday.settings import Settings


@dataclass(frozen=True)
class RefusedRow:
    """A row in quarantine; see `matchday.tables.refused_rows`. Moments: ISO 8601 UTC; decided_at empty without one."""

    id: str
    source: str
    season: str
    table: str
    key: str
    rule: str
    reason: str
    content: str
    known_at: str
    raw: str
    state: str
    decided_at: str


def update() -> UpdateReport:
    """Ask every source, and take in what is new. Raises MatchdayError; a source that fails is in the report."""
    settings = Settings()
    settings.make_home()
    with telemetry.span("update data"):
        return update_configured(settings, _now)


def describe_report(report: UpdateReport) -> dict[str, Any]:
    """An update as JSON can hold it."""
    return {
        "moment": report.moment.isoformat(timespec="seconds"),
        "sources": [{**asdict(one.standing), "added": dict(one.added), "error": one.error} for one in report.sources],
        "changes": [asdict(one) for one in report.changes],
        "refused": [asdict(one) for one in read_rows(report.refused)],
        "in_quarantine": report.kept,
        "disagreements": [asdict(one) for one in report.disagreements],
        "warnings": list(report.warnings),
        "seasons": list(report.seasons),
        "tables": list(report.tables),
    }


def sources() -> list[SourceStanding]:
    """How each source stands that is asked or ever was, without asking it. Raises SettingsError."""
    standings = read_standings(ObservationStore(Settings().collected).lake.storage)
    names = [*SourceSettings().names(), *standings]
    return [standings.get(name, SourceStanding(name)) for name in dict.fromkeys(names)]


def list_quarantine(state: str | None = "kept") -> list[RefusedRow]:
    """The rows in quarantine of a state, or all; oldest first."""
    return read_rows(_quarantine().rows(state))


def show_quarantine(named: str) -> list[RefusedRow]:
    """The row of an id, or the rows with a key. Raises QuarantineError."""
    return read_rows(_quarantine().find(named))


def release(named: str) -> list[RefusedRow]:
    """Let rows in at the next update. Raises QuarantineError for what cannot be released."""
    with hold_lock(Settings().collected):
        return read_rows(_quarantine().release(named, _now()))


def drop(named: str) -> list[RefusedRow]:
    """Speak of rows no longer. Raises QuarantineError."""
    with hold_lock(Settings().collected):
        return read_rows(_quarantine().drop(named, _now()))


def backup(target: str) -> BackupSummary:
    """Write an archive of what was collected to a file or an s3:// URL. Raises BackupError."""
    return archives.backup(Settings().collected, target)


def restore(source: str, *, replace: bool) -> BackupSummary:
    """Make what was collected that of an archive. Raises BackupError."""
    return archives.restore(Settings().collected, source, replace=replace)


def read_rows(frame: pd.DataFrame) -> list[RefusedRow]:
    """Rows of `RefusedRows` as values."""
    moments = {"known_at", "decided_at"}
    return [
        RefusedRow(**{str(key): _moment(value) if key in moments else str(value) for key, value in row.items()})
        for row in frame.to_dict("records")
    ]


def _quarantine() -> Quarantine:
    return Quarantine(ObservationStore(Settings().collected).lake)


def _moment(value: Any) -> str:
    return "" if pd.isna(value) else str(value.isoformat(timespec="seconds"))


def _now() -> datetime:
    return datetime.now(UTC)
