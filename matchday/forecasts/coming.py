"""Which matches come next, as seen from a moment: those of the next gameweeks."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from matchday.calendar import EARLIEST, ROUND, CalendarError
from matchday.forecasts.scheduled import ScheduledMatch

MOST_WEEKS = 4


@dataclass(frozen=True)
class ComingMatches:
    """The matches of the next gameweeks that had not begun at `as_of`, by kick-off.

    gameweeks: their numbers; none when there is no coming gameweek. notes: for people, such as a team with two matches.
    """

    as_of: datetime
    season: str = ""
    gameweeks: tuple[int, ...] = ()
    matches: tuple[ScheduledMatch, ...] = ()
    notes: tuple[str, ...] = ()


def find_coming(
    fixtures: Sequence[ScheduledMatch], as_of: datetime, weeks: int = 1, most: int = MOST_WEEKS
) -> ComingMatches:
    """The next gameweeks, and what is left of earlier ones until these are over.

    The first is the next one of which at most half of the matches have begun; the others follow in the order of their
    kick-offs. A match begins at its kick-off. Raises CalendarError before `EARLIEST`, and for less than 1 or more than
    `most` weeks.
    """
    if not 1 <= weeks <= most:
        raise CalendarError(f"{weeks} gameweeks cannot be forecast: choose 1 to {most}")
    if as_of < EARLIEST:
        raise CalendarError(f"nothing to forecast on {as_of:%Y-%m-%d}: choose {EARLIEST:%Y-%m-%d} or later")
    coming = sorted((one for one in fixtures if one.kickoff > as_of), key=_order)
    if not coming:
        return ComingMatches(as_of)
    season = coming[0].season
    coming = [one for one in coming if one.season == season]
    of_season = [one for one in fixtures if one.season == season]
    numbers = list(dict.fromkeys(one.gameweek for one in coming if one.gameweek is not None))
    fresh = [number for number in numbers if _is_fresh(of_season, number, as_of)] or numbers
    gameweeks = tuple(fresh[:weeks])
    if not gameweeks:
        return ComingMatches(as_of, season, (), tuple(coming[:ROUND]), ("the next matches have no gameweek yet",))
    chosen = [one for one in coming if one.gameweek in gameweeks]
    left = [one for one in coming if one.kickoff <= chosen[-1].kickoff and one.gameweek not in fresh]
    notes = (*_left_notes(left), *(note for number in gameweeks for note in _team_notes(of_season, number)))
    matches = tuple(sorted((*chosen, *left), key=_order))
    return ComingMatches(as_of, season, gameweeks, matches, (*_skipped_notes(gameweeks), *notes))


def _is_fresh(fixtures: Iterable[ScheduledMatch], number: int, as_of: datetime) -> bool:
    """Whether at most half of a gameweek's matches have begun."""
    begun = [one.kickoff <= as_of for one in fixtures if one.gameweek == number]
    return 2 * sum(begun) <= len(begun)


def _order(match: ScheduledMatch) -> tuple[datetime, str]:
    return match.kickoff, match.match_id


def _skipped_notes(gameweeks: Sequence[int]) -> list[str]:
    skipped = sorted(set(range(min(gameweeks), max(gameweeks))) - set(gameweeks))
    return [f"gameweek {number} has no match" for number in skipped]


def _left_notes(left: Iterable[ScheduledMatch]) -> list[str]:
    return [
        f"{one.home} - {one.away} is left of gameweek {one.gameweek}"
        if one.gameweek
        else f"{one.home} - {one.away} has no gameweek yet"
        for one in left
    ]


def _team_notes(fixtures: Sequence[ScheduledMatch], number: int) -> list[str]:
    """Teams with more than one match in a gameweek, and those without one."""
    playing = Counter(team for one in fixtures if one.gameweek == number for team in one.teams)
    several = sorted(team for team, count in playing.items() if count > 1)
    blank = sorted({team for one in fixtures for team in one.teams} - set(playing))
    notes = [f"gameweek {number}: {', '.join(several)} play more than once"] if several else []
    return [*notes, f"gameweek {number}: no match of {', '.join(blank)}"] if blank else notes
