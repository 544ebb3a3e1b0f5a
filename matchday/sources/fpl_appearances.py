"""The Fantasy Premier League API: what each player did in the matches whose statistics are final.

`event/{gameweek}/live/` tells it of everybody in one answer, as totals of the gameweek. For a player with two matches
in it, and for one who is now with another club, `element-summary/{id}/` tells it match by match.
"""

from collections.abc import Collection, Iterator
from typing import Any

from matchday.sources.collected import Collected
from matchday.sources.fields import flag, items, number, optional_whole, part, whole
from matchday.sources.fpl import SOURCE, ListedMatch, Listing, changed, find_team
from matchday.sources.rows import RowReader, join_frames
from matchday.sources.upstream import Received, Upstream, parse_json
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


def collect(upstream: Upstream, listing: Listing, wanted: Collection[str] | None = None) -> Collected:
    """The players' rows of matches that are final; `wanted`: of these alone. Raises SourceError.

    Requests: one for each gameweek, one for each player whom its totals do not tell. None without such a match.
    """
    final = {
        match.match_id: match
        for match in listing.matches.values()
        if match.confirmed and (wanted is None or match.match_id in wanted)
    }
    frames, refused, fresh = [], [], False
    alone: set[int] = set()
    for gameweek in sorted({match.gameweek for match in final.values() if match.gameweek is not None}):
        with upstream.read(f"/event/{gameweek}/live/") as received:
            rows, untold = read_live(received, listing, final)
            frames.append(rows.frame())
        alone |= untold
        refused += rows.refused
        fresh |= received.fresh
    told = {(str(match), int(player)) for frame in frames for match, player in frame[["match_id", "player"]].to_numpy()}
    for player in sorted(alone):
        with upstream.read(f"/element-summary/{player}/") as received:
            rows = read_summary(received, listing, player, final, told)
            frames.append(rows.frame())
        refused += rows.refused
        fresh |= received.fresh
    table = join_frames(ObservedAppearances, frames)
    return Collected(listing.season.season, {ObservedAppearances: table}, tuple(refused), fresh)


def read_live(received: Received, listing: Listing, final: Collection[str]) -> tuple[RowReader, set[int]]:
    """The rows of players with one match in the gameweek; and the numbers of those whom the totals do not tell.

    final: match_ids to be read. Raises SourceError for an answer that is none.
    """
    answer = parse_json(SOURCE, received)
    try:
        elements = items(answer, "elements")
    except ValueError as why:
        raise changed(received, why) from None
    rows = RowReader(ObservedAppearances, SOURCE, listing.season.season, received)
    untold: set[int] = set()
    for one in elements:
        try:
            matches = list(_explained(one, listing))
            if not any(match.match_id in final for match in matches):
                continue
            player, (_, team) = whole(one, "id"), _person(listing, whole(one, "id"))
        except ValueError as why:
            rows.refuse(str(why), one)
            continue
        if len(matches) > 1 or team not in (matches[0].home, matches[0].away):
            untold.add(player)
        else:
            rows.add(one, lambda row, match=matches[0]: _live(row, listing, match))  # type: ignore[misc]
    return rows, untold


def read_summary(
    received: Received,
    listing: Listing,
    player: int,
    final: Collection[str],
    told: Collection[tuple[str, int]] = (),
) -> RowReader:
    """The rows of one player, by his number of the season. told: matches and players that are read already.

    Raises SourceError for an answer that is none.
    """
    answer = parse_json(SOURCE, received)
    rows = RowReader(ObservedAppearances, SOURCE, listing.season.season, received)
    try:
        history, (code, _) = items(answer, "history"), _person(listing, player)
    except ValueError as why:
        raise changed(received, why) from None
    for one in history:
        try:
            match = _match(listing, one)
        except ValueError as why:
            rows.refuse(str(why), one)
            continue
        if match.match_id in final and (match.match_id, code) not in told:
            rows.add(one, lambda row, match=match: _summary(row, listing, match, code))  # type: ignore[misc]
    return rows


def _explained(row: Any, listing: Listing) -> Iterator[ListedMatch]:
    for one in items(row, "explain"):
        yield _match(listing, one)


def _match(listing: Listing, row: Any) -> ListedMatch:
    fixture = whole(row, "fixture")
    if fixture not in listing.matches:
        raise ValueError(f"names match {fixture}, which the season's list does not have")
    return listing.matches[fixture]


def _person(listing: Listing, player: int) -> tuple[int, str]:
    if player not in listing.people:
        raise ValueError(f"names player {player}, who is not in the list of players")
    return listing.people[player]


def _live(row: Any, listing: Listing, match: ListedMatch) -> dict[str, Any]:
    code, team = _person(listing, whole(row, "id"))
    return _row(match, code, team) | _statistics(part(row, "stats"), listing.season.season) | dict.fromkeys(MARKET)


def _summary(row: Any, listing: Listing, match: ListedMatch, code: int) -> dict[str, Any]:
    team, opponent = (match.home, match.away) if flag(row, "was_home") else (match.away, match.home)
    if find_team(listing.season, row, "opponent_team") != opponent:
        raise ValueError(f"names another opponent than {match.match_id} has")
    market = {name: whole(row, name) for name in MARKET}
    return _row(match, code, team) | _statistics(row, listing.season.season) | market


def _row(match: ListedMatch, code: int, team: str) -> dict[str, Any]:
    return {"gameweek": match.gameweek, "match_id": match.match_id, "player": code, "team": team}


def _statistics(row: Any, season: str) -> dict[str, Any]:
    found: dict[str, Any] = {ours: whole(row, theirs) for theirs, ours in COUNTS.items()}
    found |= {ours: number(row, theirs) for theirs, ours in INDICES.items()}
    found |= {name: optional_whole(row, name) if season >= COUNTED_SINCE else None for name in LATER_COUNTS}
    expected = season >= EXPECTED_SINCE
    return found | {ours: number(row, theirs) if expected else None for theirs, ours in EXPECTED.items()}
