"""The Fantasy Premier League API: what each player did in the matches whose statistics are final.

`event/{gameweek}/live/` tells it of everybody in one answer, as totals of the gameweek. For a player with two matches
in it, and for one who is now with another club, `element-summary/{id}/` tells it match by match; it is not asked for
when the rows that are known make the total.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pandas as pd

from matchday.sources.collected import Collected
from matchday.sources.fields import flag, items, number, optional_whole, part, whole
from matchday.sources.fpl import SOURCE, ListedMatch, ListedPlayer, Listing, changed, find_team
from matchday.sources.rows import Refusal, RowReader
from matchday.sources.upstream import Received, SourceError, Upstream, parse_json
from matchday.tables.observed_appearances import ObservedAppearances

COUNTS = {
    "minutes": "minutes",
    "total_points": "points",
    "goals_scored": "goals",
    "assists": "assists",
    "clean_sheets": "clean_sheets",
    "goals_conceded": "conceded",
    "own_goals": "own_goals",
    "penalties_saved": "penalties_saved",
    "penalties_missed": "penalties_missed",
    "yellow_cards": "yellow_cards",
    "red_cards": "red_cards",
    "saves": "saves",
    "bonus": "bonus",
    "bps": "bps",
}
"""The game's names of statistics, and ours."""

INDICES = {"influence": "influence", "creativity": "creativity", "threat": "threat"}
LATER_COUNTS = ("starts", "tackles", "recoveries", "clearances_blocks_interceptions", "defensive_contribution")
EXPECTED = {"expected_goals": "xg", "expected_assists": "xa", "expected_goals_conceded": "xgc"}
MARKET = ("value", "selected", "transfers_in", "transfers_out")

COUNTED_SINCE, EXPECTED_SINCE = "2526", "2223"
"""First seasons of LATER_COUNTS and of EXPECTED: from then on an answer without them is broken."""


ROUNDING = 0.006
"""Sums of numbers with two digits are no further from each other."""


def collect(
    upstream: Upstream, listing: Listing, wanted: Collection[str] | None = None, known: pd.DataFrame | None = None
) -> Collected:
    """The players' rows of matches that are final; `wanted`: of these alone. Raises SourceError.

    known: rows of ObservedAppearances that were read before, one for each match and player; of a player whom the totals
    do not tell, and whose known rows make his total, they are given again. Requests: one for each gameweek, one for
    each other player whom its totals do not tell. None without such a match.
    """
    final = {
        match.match_id: match
        for match in listing.matches.values()
        if match.confirmed and (wanted is None or match.match_id in wanted)
    }
    if not final:
        return Collected(listing.season.season, {}, fresh=False)
    rows = AppearanceReader(listing, final, known)
    fresh = False
    for gameweek in sorted({match.gameweek for match in final.values() if match.gameweek is not None}):
        with upstream.read(f"/event/{gameweek}/live/") as received:
            rows.read_live(received)
        fresh |= received.fresh
    for player in sorted(rows.untold):
        with upstream.read(f"/element-summary/{player}/") as received:
            rows.read_summary(received, player)
        fresh |= received.fresh
    return Collected(listing.season.season, {ObservedAppearances: rows.frame()}, tuple(rows.refused), fresh)


class AppearanceReader:
    """Rows of `final` matches from one answer after the other.

    untold: numbers of players whom the live answers so far do not tell; their summaries are to be read.
    """

    def __init__(self, listing: Listing, final: Collection[str], known: pd.DataFrame | None = None) -> None:
        """final: match_ids. known: as of `collect`."""
        self._listing, self._final = listing, final
        self._known = _KnownRows(known)
        self._rows: RowReader | None = None
        self._told: set[tuple[str, int]] = set()
        self.untold: set[int] = set()

    @property
    def refused(self) -> list[Refusal]:
        """The rows that are not taken in."""
        return [] if self._rows is None else self._rows.refused

    def frame(self) -> pd.DataFrame:
        """The rows that keep the schema. Raises SourceError, also when no answer was read."""
        if self._rows is None:
            raise SourceError(f"{SOURCE}: no answer with appearances was read")
        return self._known.add_again(self._rows.frame())

    def read_live(self, received: Received) -> None:
        """Read `event/{gameweek}/live/`. Raises SourceError for an answer that is none."""
        elements = _list_in(received, "elements")
        rows = self._begin(received)
        for one in elements:
            try:
                matches = list(_explained(one, self._listing))
                if not any(match.match_id in self._final for match in matches):
                    continue
                player = whole(one, "id")
                person = _person(self._listing, player)
            except ValueError as why:
                rows.refuse(str(why), one)
                continue
            if len(matches) > 1 or not _played_for(person, matches[0]):
                if not self._is_known(one, matches, person.code):
                    self.untold.add(player)
            else:
                rows.add(one, lambda row, where=(matches[0], person): self._read_total(row, *where))  # type: ignore[misc]
        rows.check_answer()

    def read_summary(self, received: Received, player: int) -> None:
        """Read `element-summary/{player}/`. Raises SourceError for an answer that is none."""
        history = _list_in(received, "history")
        rows = self._begin(received)
        code = _person(self._listing, player).code
        for one in history:
            try:
                match = _match(self._listing, one)
            except ValueError as why:
                rows.refuse(str(why), one)
                continue
            if match.match_id in self._final and (match.match_id, code) not in self._told:
                rows.add(one, lambda row, where=(match, code): self._read_match(row, *where))  # type: ignore[misc]
        rows.check_answer()

    def _begin(self, received: Received) -> RowReader:
        if self._rows is None:
            self._rows = RowReader(ObservedAppearances, SOURCE, self._listing.season.season, received)
        self._rows.read_on(received)
        return self._rows

    def _is_known(self, row: Any, matches: list[ListedMatch], code: int) -> bool:
        """Whether the known rows of a player's matches make his total; they are given again then."""
        wanted = [(match.match_id, code) for match in matches if match.match_id in self._final]
        try:
            total = _statistics(part(row, "stats"), self._listing.season.season)
        except ValueError:
            return False
        if not self._known.repeat(wanted, [(match.match_id, code) for match in matches], total):
            return False
        self._told.update(wanted)
        return True

    def _read_total(self, row: Any, match: ListedMatch, person: ListedPlayer) -> dict[str, Any]:
        found = _statistics(part(row, "stats"), self._listing.season.season)
        self._told.add((match.match_id, person.code))
        return _row(match, person.code, person.team) | found | dict.fromkeys(MARKET)

    def _read_match(self, row: Any, match: ListedMatch, code: int) -> dict[str, Any]:
        team, opponent = (match.home, match.away) if flag(row, "was_home") else (match.away, match.home)
        if find_team(self._listing.season, row, "opponent_team") != opponent:
            raise ValueError(f"names another opponent than {match.match_id} has")
        market = {name: whole(row, name) for name in MARKET}
        return _row(match, code, team) | _statistics(row, self._listing.season.season) | market


class _KnownRows:
    """Rows that were read before, and those of them that are given again."""

    def __init__(self, rows: pd.DataFrame | None) -> None:
        self._rows = rows
        keys = () if rows is None else zip(rows["match_id"], rows["player"], strict=True)
        self._places = {key: place for place, key in enumerate(keys)}
        self._again: list[int] = []

    def repeat(
        self, wanted: Collection[tuple[str, int]], all_of: Collection[tuple[str, int]], total: Mapping[str, Any]
    ) -> bool:
        """Give the rows `wanted` again, when they are known and those of `all_of` make the total."""
        if self._rows is None or not all(key in self._places for key in wanted):
            return False
        made = self._rows.iloc[[self._places[key] for key in all_of if key in self._places]]
        for name, value in total.items():
            if value is not None and not math.isclose(float(made[name].sum()), value, rel_tol=0, abs_tol=ROUNDING):
                return False
        self._again += [self._places[key] for key in wanted]
        return True

    def add_again(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame, and below it the rows that are given again."""
        if self._rows is None or not self._again:
            return frame
        return pd.concat([frame, self._rows.iloc[self._again]], ignore_index=True)


def _list_in(received: Received, field: str) -> list[Any]:
    answer = parse_json(SOURCE, received)
    try:
        return items(answer, field)
    except ValueError as why:
        raise changed(received, why) from None


def _explained(row: Any, listing: Listing) -> Iterator[ListedMatch]:
    for one in items(row, "explain"):
        yield _match(listing, one)


def _match(listing: Listing, row: Any) -> ListedMatch:
    fixture = whole(row, "fixture")
    if fixture not in listing.matches:
        raise ValueError(f"names match {fixture}, which the season's list does not have")
    return listing.matches[fixture]


def _played_for(person: ListedPlayer, match: ListedMatch) -> bool:
    """Whether his team of now was his team in a match."""
    late = match.kickoff is not None and person.joined is not None and person.joined > match.kickoff.date()
    return person.team in (match.home, match.away) and not late


def _person(listing: Listing, player: int) -> ListedPlayer:
    if player not in listing.people:
        raise ValueError(f"names player {player}, who is not in the list of players")
    return listing.people[player]


def _row(match: ListedMatch, code: int, team: str) -> dict[str, Any]:
    return {"gameweek": match.gameweek, "match_id": match.match_id, "player": code, "team": team}


def _statistics(row: Any, season: str) -> dict[str, Any]:
    found: dict[str, Any] = {ours: whole(row, theirs) for theirs, ours in COUNTS.items()}
    found |= {ours: number(row, theirs) for theirs, ours in INDICES.items()}
    found |= {name: optional_whole(row, name) if season >= COUNTED_SINCE else None for name in LATER_COUNTS}
    expected = season >= EXPECTED_SINCE
    return found | {ours: number(row, theirs) if expected else None for theirs, ours in EXPECTED.items()}
