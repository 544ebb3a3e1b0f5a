"""Matches whose appearances the fantasy game is asked for: what is not stored yet, and what may have been corrected."""

import pandas as pd

from matchday.collected.store import ObservationStore
from matchday.collected.truths import made_scores
from matchday.collected.versions import newest
from matchday.sources.fpl import SOURCE, Listing
from matchday.tables.observed_appearances import ObservedAppearances


def known_appearances(store: ObservationStore, season: str) -> pd.DataFrame:
    """What the game said last of each match and player: rows of ObservedAppearances."""
    rows = store.read(ObservedAppearances, [season])
    return newest(ObservedAppearances, rows[rows["source"] == SOURCE])


def awaited_matches(listing: Listing, fixtures: pd.DataFrame, known: pd.DataFrame) -> set[str]:
    """The matches that are final and not known, those whose result is another one now, and the newest gameweek's.

    Statistics are corrected for some days, and nothing tells of it: the newest gameweek that is known is read again.
    fixtures: rows of ObservedFixtures, as the game gives them now. known: as of `known_appearances`.
    """
    final = {match.match_id: match.gameweek for match in listing.matches.values() if match.confirmed}
    there = set(known["match_id"]) & final.keys()
    newest_week = max((final[match] or 0 for match in there), default=0)
    again = {match for match in there if final[match] == newest_week}
    made = made_scores(known)
    ended = fixtures[fixtures["match_id"].isin(there) & fixtures["home_goals"].notna() & fixtures["away_goals"].notna()]
    results = zip(ended["match_id"], ended["home_goals"], ended["away_goals"], strict=True)
    corrected = {match for match, home, away in results if made[match] != (home, away)}
    return (final.keys() - there) | again | corrected
