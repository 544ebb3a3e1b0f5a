"""One update of this machine: its configured sources, its lake, its bundled history."""

from collections.abc import Callable
from datetime import UTC, datetime

from matchday.collected.configured import SourceSettings
from matchday.collected.store import ObservationStore
from matchday.collected.update import SourceOutcome, UpdateReport, update
from matchday.lake import Lake
from matchday.settings import Settings
from matchday.sources.raw import RawAnswers
from matchday.sources.snapshot import Snapshot


def read_clock() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


def update_configured(settings: Settings, now: Callable[[], datetime] = read_clock) -> UpdateReport:
    """Ask every configured source, and take in what is new. Raises MatchdayError; failed sources are in the report."""
    store = ObservationStore(settings.collected)
    sources = SourceSettings().build(RawAnswers(store.lake.storage), now)
    return update(settings.collected, Lake(settings.lake), Snapshot(settings.snapshot), sources, now)


def describe_outcome(outcome: SourceOutcome) -> str:
    """What a source gave, in one line; one that gave nothing: why, since when, and of when its data are."""
    standing = outcome.standing
    if outcome.error:
        last = f"its data is of {standing.last_success[:16]}" if standing.last_success else "it never gave any"
        return f"{outcome.error} (fails since {standing.failing_since[:16]}; {last})"
    new = ", ".join(f"{count:,} {name.removeprefix('observed_')}" for name, count in outcome.added.items() if count)
    return f"{standing.source}: new: {new}" if new else f"{standing.source}: nothing new"
