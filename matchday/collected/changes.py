"""What an update changed: before, and now."""

from collections.abc import Iterable, Iterator

import pandas as pd

from matchday.collected.precedence import BelievedMatch
from matchday.collected.report import Change
from matchday.collected.versions import newest
from matchday.tables.observed import ObservedPlayers

PLAYER_FIELDS = ("team", "price", "chance", "news")


def match_changes(before: Iterable[BelievedMatch], now: Iterable[BelievedMatch]) -> list[Change]:
    """Fields of matches that are believed otherwise than before. A match that is new is no change."""
    known = {match.match_id: _fields(match) for match in before}
    return [
        Change(match.match_id, field, known[match.match_id][field], value)
        for match in now
        if match.match_id in known
        for field, value in _fields(match).items()
        if known[match.match_id][field] != value
    ]


def player_changes(before: pd.DataFrame, added: pd.DataFrame) -> list[Change]:
    """Team, price, chance and news of players whose new versions have other ones. Both: rows of `ObservedPlayers`."""
    return list(_player_changes(before, added))


def _player_changes(before: pd.DataFrame, added: pd.DataFrame) -> Iterator[Change]:
    known = {(row["source"], row["player"]): row for row in newest(ObservedPlayers, before).to_dict("records")}
    for row in added.to_dict("records"):
        if former := known.get((row["source"], row["player"])):
            for field in PLAYER_FIELDS:
                one, other = _text(former[field]), _text(row[field])
                if one != other:
                    yield Change(f"{row['web_name']} ({row['player']})", field, one, other)


def _fields(match: BelievedMatch) -> dict[str, str]:
    return {
        "kickoff": f"{match.kickoff:%Y-%m-%d %H:%M}" if match.kickoff else "-",
        "gameweek": _text(match.gameweek),
        "status": match.status,
        "result": "-" if match.score is None else "{}-{}".format(*match.score),
    }


def _text(value: object) -> str:
    return "-" if value is None or pd.isna(value) else str(value)  # type: ignore[call-overload]
