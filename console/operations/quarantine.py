"""Rows that were refused: listed, shown, decided about."""

from datetime import UTC, datetime

from matchday.collected.lock import hold_lock
from matchday.collected.quarantine import Quarantine, read_rows
from matchday.collected.report import RefusedRow
from matchday.collected.store import ObservationStore
from matchday.settings import Settings


def list_rows(state: str | None = "kept") -> list[RefusedRow]:
    """The rows in quarantine of a state, or all; oldest first."""
    return read_rows(_quarantine().rows(state))


def show(named: str) -> list[RefusedRow]:
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


def _quarantine() -> Quarantine:
    return Quarantine(ObservationStore(Settings().collected).lake)


def _now() -> datetime:
    return datetime.now(UTC)
