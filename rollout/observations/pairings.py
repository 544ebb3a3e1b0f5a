"""Matches that nobody has asked for: every team of a league at home against every other one."""

from collections.abc import Sequence

from matchday.errors import MatchdayError
from matchday.results import Results
from rollout.observations.row import ReplayRow
from rollout.sources import SourceError


class Pairings:
    """All ordered pairs of some teams, by a round of each with the next, the one after it, and so on.

    However few rows are taken, every team is as often at home as away, give or take one.
    """

    def __init__(self, teams: Sequence[str]) -> None:
        """teams: as entities name them, such as those of a season."""
        self._teams = tuple(teams)

    def rows(self, model: str, most: int) -> list[ReplayRow]:
        """At most so many matches, always in the same order."""
        teams, count = self._teams, len(self._teams)
        pairs = ((teams[place], teams[(place + apart) % count]) for apart in range(1, count) for place in range(count))
        return [ReplayRow({"home": home, "away": away}) for (home, away), _ in zip(pairs, range(most), strict=False)]


class LeaguePairings:
    """A panel of the teams that played in the latest season of the lake."""

    def __init__(self, results: Results) -> None:
        self._results = results

    def rows(self, model: str, most: int) -> Sequence[ReplayRow]:
        """At most so many matches. Raises SourceError when no season is known."""
        try:
            matches = self._results.matches()
        except MatchdayError as error:
            raise SourceError(f"there are no teams to ask for: {error}") from None
        latest = matches[matches["season"] == matches["season"].max()]
        return Pairings(sorted({*latest["home"], *latest["away"]})).rows(model, most)
