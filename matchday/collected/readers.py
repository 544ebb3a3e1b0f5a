"""What reads each live source: answers of its `Upstream` to rows of observations."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from matchday.collected.awaited import awaited_matches, known_appearances
from matchday.collected.configured import season_of
from matchday.collected.store import ObservationStore
from matchday.sources import football_data_org, football_data_uk, fpl, fpl_appearances
from matchday.sources.collected import Collected
from matchday.sources.upstream import SourceError, Upstream
from matchday.tables.observed import ObservedFixtures

Reader = Callable[[], Collected]
"""Asks a source. Raises SourceError."""


def make_readers(
    upstreams: Mapping[str, Upstream], store: ObservationStore, now: Callable[[], datetime]
) -> dict[str, Reader]:
    """The reader of each source, by its name.

    The fantasy game says which season is under way; the others are asked for that one, or by the date without it.
    """
    said: list[str] = []

    def season() -> str:
        return said[-1] if said else season_of(now())

    def read_game() -> Collected:
        source = upstreams[fpl.SOURCE]
        given, listing = fpl.collect_listed(source)
        said.append(given.season)
        return add_appearances(source, given, listing, store)

    readers: dict[str, Reader] = {
        fpl.SOURCE: read_game,
        football_data_uk.SOURCE: lambda: football_data_uk.collect(upstreams[football_data_uk.SOURCE], season()),
        football_data_org.SOURCE: lambda: football_data_org.collect(upstreams[football_data_org.SOURCE], season()),
    }
    return {name: readers[name] for name in upstreams}


def add_appearances(source: Upstream, given: Collected, listing: fpl.Listing, store: ObservationStore) -> Collected:
    """What the game gave, and the appearances that the store awaits; without them, and why, when they cannot be had."""
    known = known_appearances(store, given.season)
    wanted = awaited_matches(listing, given.tables[ObservedFixtures], known)
    try:
        played = fpl_appearances.collect(source, listing, wanted, known)
    except SourceError as why:
        return replace(given, failure=why)
    tables = {**given.tables, **played.tables}
    return Collected(given.season, tables, (*given.refused, *played.refused), given.fresh or played.fresh)
