"""Rows for matches that nobody has asked for: teams at home against each other, and players against every club."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, zip_longest

from matchday.errors import MatchdayError
from matchday.models.catalogue import model_kind
from matchday.models.kind import ModelKind, ReplayRows
from matchday.results import Results
from matchday.signature import NumberInput
from rollout.observations.row import ReplayRow
from rollout.sources import SourceError

TEAMS = 2
"""Inputs of a model that takes a pair of teams: the home and the away team."""
PLAYER, TEAM, OPPONENT, HOME = "player", "team", "opponent", "home"
"""Names of what a row of a player says, as `Appearances` has them."""


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
        kind = _kind(model, ReplayRows.PAIRINGS)
        if len(kind.inputs) != TEAMS:
            raise SourceError(f"{model} takes no pair of teams")
        first, second = (each.name for each in kind.inputs)
        return [
            ReplayRow({first: home, second: away}, numbers=_numbers(kind, index))
            for index, (home, away) in enumerate(islice(self._pairs(), most))
        ]

    def _pairs(self) -> Iterator[tuple[str, str]]:
        teams, count = self._teams, len(self._teams)
        for distance in range(1, count):
            for index in range(count):
                yield teams[index], teams[(index + distance) % count]


class PlayerPairings:
    """Each player with his club against every other club, in an order that is fair to clubs and players.

    First every player against the club after his own, one of each club in turn, then against the one after it. At home
    and away by turns.
    """

    def __init__(self, clubs: Mapping[int, str]) -> None:
        """clubs: player -> his club."""
        self._clubs = sorted(set(clubs.values()))
        squads: defaultdict[str, list[int]] = defaultdict(list)
        for player in sorted(clubs):
            squads[clubs[player]].append(player)
        turns = zip_longest(*(squads[club] for club in self._clubs))
        self._players = [(player, place) for turn in turns for place, player in enumerate(turn) if player is not None]

    def rows(self, model: str, most: int) -> list[ReplayRow]:
        """At most so many rows, in the same order each time. Raises SourceError for a model that takes no players."""
        kind = _kind(model, ReplayRows.PLAYERS)
        return [_player_row(kind, index, *match) for index, match in enumerate(islice(self._matches(), most))]

    def _matches(self) -> Iterator[tuple[int, str, str, bool]]:
        """Player, club, opponent, and whether he is at home."""
        count = len(self._clubs)
        for distance in range(1, count):
            for number, (player, place) in enumerate(self._players):
                yield player, self._clubs[place], self._clubs[(place + distance) % count], (number + distance) % 2 == 0


class LeaguePairings:
    """Pairings of the teams, or of the players, of the latest season of the lake."""

    def __init__(self, results: Results) -> None:
        self._results = results

    def rows(self, model: str, most: int) -> Sequence[ReplayRow]:
        """At most so many rows. Raises SourceError when no season is known, or for a model without such rows."""
        source = self._players if _kind(model).replay is ReplayRows.PLAYERS else self._teams
        try:
            found = source()
        except MatchdayError as error:
            raise SourceError(f"there are no teams to ask for: {error}") from None
        return found.rows(model, most)

    def _teams(self) -> Pairings:
        matches = self._results.matches()
        latest = matches[matches["season"] == matches["season"].max()]
        return Pairings(sorted({*latest["home"], *latest["away"]}))

    def _players(self) -> PlayerPairings:
        rows = self._results.appearances()
        latest = rows[rows["season"] == rows["season"].max()].sort_values("kickoff", kind="stable")
        last = latest.drop_duplicates("player", keep="last")
        return PlayerPairings(dict(zip(last["player"].tolist(), last["team"].tolist(), strict=True)))


def _kind(model: str, replay: ReplayRows | None = None) -> ModelKind:
    """The model. Raises SourceError for one that is not in the catalogue, or is asked other rows."""
    try:
        kind = model_kind(model)
    except MatchdayError as error:
        raise SourceError(str(error)) from None
    if replay not in (None, kind.replay):
        raise SourceError(f"{model} takes no {'pair of teams' if replay is ReplayRows.PAIRINGS else 'players'}")
    return kind


def _player_row(kind: ModelKind, index: int, player: int, team: str, opponent: str, home: bool) -> ReplayRow:
    """Raises SourceError for a model with an input that a player's match does not say."""
    known: dict[str, str | int] = {PLAYER: player, TEAM: team, OPPONENT: opponent}
    if unknown := [each.name for each in kind.inputs if each.name not in known]:
        raise SourceError(f"{kind.name} takes {unknown[0]}, which no row for a player says")
    numbers = _numbers(kind, index)
    return ReplayRow(
        {each.name: known[each.name] for each in kind.inputs},
        numbers=numbers | {name: float(home) for name in numbers if name == HOME},
    )


def _numbers(kind: ModelKind, index: int) -> dict[str, float]:
    """The numbers of a row: whole numbers within their bounds, each in turn, or else the least."""
    return {each.name: _number(each, index) for each in kind.numbers}


def _number(given: NumberInput, index: int) -> float:
    first, last = math.ceil(given.least), math.floor(given.most)
    return float(first + index % (last - first + 1)) if first <= last else given.least
