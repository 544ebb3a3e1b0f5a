"""Who a name in a season's player rows is: the fantasy game's code, stable across seasons."""

import hashlib
import unicodedata
from collections import defaultdict
from dataclasses import dataclass

from matchday.sources.history.archive import DUMPED, Archive

POSITIONS = {1: "GK", 2: "DEF", 3: "MID", 4: "FWD", 5: "MNG"}

SPELLINGS = {
    "Benjamin Keith Davies": "Ben Davies",
    "Bojan Krkic": "Bojan Krkic Perez",
    "Daniel Carl Ward": "Danny Ward",
    "Djordje Petrovic": "Đorđe Petrović",
    "Max Kinsey-Wellings": "Max Kinsey",
    "Michale Olakigbe": "Michael Olakigbe",
    "Yegor Yarmolyuk": "Yegor Yarmoliuk",
}
"""Names in the player rows, and what the dumps call the same person."""


@dataclass(frozen=True)
class Registration:
    """A player in one season's dump."""

    code: int
    name: str
    web_name: str
    team: str
    position: str


class Registrations:
    """The dumps of all seasons, searched by name."""

    def __init__(self, archive: Archive) -> None:
        self._codes: dict[tuple[str, str], Registration] = {}
        self._names: dict[tuple[str, str], list[Registration]] = defaultdict(list)
        self._newest: dict[str, int] = {}
        for season in DUMPED:
            dump = _dump(archive, season)
            self._newest[season] = max((one.code for one in dump if one.position != "MNG"), default=0)
            for one in dump:
                self._codes[season, f"p{one.code}"] = one
                self._names[season, _plain(one.name)].append(one)

    def opta(self, season: str, code: str) -> Registration | None:
        """Who an Opta code (`p154561`) of that season is. The digits are the player's code."""
        return self._codes.get((season, code))

    def find(self, season: str, name: str, team: str, position: str) -> Registration | None:
        """Who that is: by name in the season itself, then in the nearest one that knows the name.

        Two of a name in one season are told apart by team, then by position. A goalkeeper is never an
        outfield player of another season. Codes rise with the years: one above all of the nearest dump was
        given to a namesake who came later. None when no dump knows the name, or two remain.
        """
        plain = _plain(SPELLINGS.get(name, name))
        nearest, *_ = dumps = sorted(DUMPED, key=lambda known: abs(int(known) - int(season)))
        for other in dumps:
            namesakes = self._names.get((other, plain), [])
            if other != season:
                namesakes = [
                    one
                    for one in namesakes
                    if (one.position == "GK") == (position == "GK") and one.code <= self._newest[nearest]
                ]
            if len(namesakes) > 1:
                namesakes = [one for one in namesakes if one.team == team] or namesakes
            if len(namesakes) > 1:
                namesakes = [one for one in namesakes if one.position == position]
            if namesakes:
                return namesakes[0] if len(namesakes) == 1 else None
        return None


def made_up(name: str) -> int:
    """A negative code for a player no dump knows: the same name always gives the same, -2**47 to -1."""
    return -1 - int.from_bytes(hashlib.sha256(_plain(name).encode()).digest()[:6], "big") % 2**47


def _dump(archive: Archive, season: str) -> list[Registration]:
    tree = archive.tree(f"FPL_{season}.json")
    short = {team["id"]: team["short_name"] for team in tree["teams"]}
    return [
        Registration(
            int(one["code"]),
            f"{one['first_name']} {one['second_name']}",
            one["web_name"],
            short[one["team"]],
            POSITIONS[one["element_type"]],
        )
        for one in tree["elements"]
    ]


def _plain(name: str) -> str:
    """A name without case or accents, for comparison."""
    parts = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))
