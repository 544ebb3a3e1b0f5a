"""One update of this machine: its configured sources, its lake, its bundled history."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from matchday.collected import settled
from matchday.collected.configured import SourceSettings
from matchday.collected.lock import hold_lock
from matchday.collected.report import UpdateReport
from matchday.collected.settled import Place
from matchday.settings import Settings
from matchday.sources.raw import RawAnswers
from matchday.storage import Storage


def read_clock() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


def update_configured(settings: Settings, now: Callable[[], datetime] = read_clock) -> UpdateReport:
    """Ask every configured source, and take in what is new. Raises MatchdayError; failed sources are in the report."""
    return update_place(Place(settings.collected, settings.lake, settings.snapshot), SourceSettings(), now)


def update_place(
    place: Place,
    sources: SourceSettings,
    now: Callable[[], datetime],
    sleep: Callable[[float], None] = time.sleep,
) -> UpdateReport:
    """The same for a place and sources. sleep: waits between requests."""
    with hold_lock(place.collected):
        upstreams = sources.upstreams(RawAnswers(Storage(place.collected)), now, sleep)
        if report := settled.ask_again(place, upstreams, now):
            return report
        # What is new takes pandas, a second to import.
        from matchday.collected.readers import make_readers
        from matchday.collected.store import ObservationStore
        from matchday.collected.update import take_in
        from matchday.lake import Lake
        from matchday.sources.snapshot import Snapshot

        store = ObservationStore(place.collected)
        readers = make_readers(upstreams, store, now)
        report = take_in(store, Lake(place.lake), Snapshot(place.snapshot), readers, now)
        settled.note(place, upstreams, report)
        return report
