"""Rows for matches that nobody has asked for: every team of a league at home against every other one."""

from collections.abc import Iterator, Sequence

from matchday.errors import MatchdayError
from matchday.models.catalogue import model_kind
from matchday.models.kind import ReplayRows
from matchday.results import Results
from rollout.observations.row import ReplayRow
from rollout.sources import SourceError

PAIRED = frozenset({ReplayRows.PAIRINGS})
"""Kinds of replay rows that pairings provide."""


class Pairings:
    """All ordered pairs of these teams, in an order that is fair to each.

    Each team first plays the next one, then the one after it, and so on. So in any number of rows every team is as
    often at home as away, give or take one.
    """

    def __init__(self, teams: Sequence[str]) -> None:
        """teams: keys of the entity, such as those of a season."""
        self._teams = tuple(teams)

    def rows(self, model: str, most: int) -> list[ReplayRow]:
        """At most so many rows, in the same order each time. Raises SourceError for a model without pairings."""
        first, second = _input_names(model)
        pairs = zip(self._pairs(), range(most), strict=False)
        return [ReplayRow({first: home, second: away}) for (home, away), _ in pairs]

    def _pairs(self) -> Iterator[tuple[str, str]]:
        teams, count = self._teams, len(self._teams)
        for distance in range(1, count):
            for index in range(count):
                yield teams[index], teams[(index + distance) % count]


class LeaguePairings:
    """Pairings of the teams that played in the latest season of the lake."""

    def __init__(self, results: Results) -> None:
        self._results = results

    def rows(self, model: str, most: int) -> Sequence[ReplayRow]:
        """At most so many rows. Raises SourceError when no season is known, or for a model without pairings."""
        try:
            matches = self._results.matches()
        except MatchdayError as error:
            raise SourceError(f"there are no teams to ask for: {error}") from None
        latest = matches[matches["season"] == matches["season"].max()]
        return Pairings(sorted({*latest["home"], *latest["away"]})).rows(model, most)


def _input_names(model: str) -> tuple[str, str]:
    """Inputs for the home and the away team. Raises SourceError for a model that takes no pair of teams."""
    try:
        kind = model_kind(model)
    except MatchdayError as error:
        raise SourceError(str(error)) from None
    if kind.replay not in PAIRED or len(kind.inputs) != 2:
        raise SourceError(f"{model} takes no pair of teams")
    first, second = kind.inputs
    return first.name, second.name
