"""The Fantasy Premier League API: the season's rules, from the game's own settings in `bootstrap-static/`.

Points stand in `game_config.scoring`, the rules of squads in `game_config.rules`, in older answers in `game_settings`.
Nobody's forecast depends on all of them, so settings that are missing or of another kind are left out, not refused.
"""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from matchday.sources.rows import RowReader

TOTAL_PLAYERS = "total_players"
"""Name of the rule that says how many squads there are."""

POSITIONS = {"GKP": "GK"}
"""The game's names of positions that are not ours."""

Setting = tuple[str, bool | int | float | str]


def read_rules(answer: Mapping[str, Any], rows: RowReader) -> None:
    """Add the rules of an answer to `rows`, of the table ObservedRules."""
    config = answer.get("game_config")
    config = config if isinstance(config, Mapping) else {}
    found = {
        **dict(_settings("rules", answer.get("game_settings"))),
        **dict(_settings("rules", config.get("rules"))),
        **dict(_settings("scoring", config.get("scoring"))),
    }
    total = answer.get(TOTAL_PLAYERS)
    if isinstance(total, int) and not isinstance(total, bool) and total > 0:
        found[TOTAL_PLAYERS] = total
    for name, value in found.items():
        rows.add({name: value}, lambda row: {"name": next(iter(row)), "value": json.dumps(next(iter(row.values())))})


def _settings(part: str, given: object) -> Iterator[Setting]:
    """Single values by `part.name`, and by `part.name.POSITION` where positions differ."""
    if not isinstance(given, Mapping):
        return
    for name, value in given.items():
        if isinstance(value, Mapping):
            positions = {POSITIONS.get(str(one), str(one)): each for one, each in value.items()}
            yield from _settings(f"{part}.{name}", positions) if part.count(".") == 0 else ()
        elif _is_single(value) and _is_whole_text(name):
            yield f"{part}.{name}", value


def _is_single(value: object) -> bool:
    if isinstance(value, str):
        return _is_whole_text(value)
    return isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))


def _is_whole_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
