"""A batch: the forecasts that one run made, and its SHA-256.

The hash is over the batch as canonical JSON (keys sorted, no spaces, six decimals, ASCII), so that anyone who was told
it before the kick-off can prove later that the forecasts are those that were made then.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from matchday.forecasts.scheduled import OutcomeForecast, ScheduledMatch

FORMAT = 1
DECIMALS = 6
OUTCOMES = ("home_win", "draw", "away_win")


@dataclass(frozen=True)
class ForecastBatch:
    """Forecasts of one version of a model. bundle: digest of the version's bundle. made_at: to the second."""

    model: str
    version: str
    bundle: str
    made_at: datetime
    forecasts: tuple[OutcomeForecast, ...]

    @cached_property
    def content(self) -> bytes:
        """The batch as canonical JSON; the order in which the forecasts were given does not matter."""
        ordered = sorted(self.forecasts, key=lambda one: (one.match.kickoff, one.match.match_id))
        tree = {
            "format": FORMAT,
            "model": self.model,
            "version": self.version,
            "bundle": self.bundle,
            "made_at": _text(self.made_at),
            "forecasts": [_row(one) for one in ordered],
        }
        return json.dumps(tree, sort_keys=True, separators=(",", ":")).encode("ascii")

    @property
    def sha256(self) -> str:
        """64 hexadecimal digits of the content."""
        return hashlib.sha256(self.content).hexdigest()

    @classmethod
    def parse(cls, content: bytes) -> "ForecastBatch":
        """From canonical JSON. Raises ValueError, KeyError or TypeError for anything else."""
        tree = json.loads(content)
        if tree["format"] != FORMAT:
            raise ValueError(f"format {tree['format']}")
        made_at = datetime.fromisoformat(tree["made_at"])
        rows = tuple(_forecast(row) for row in tree["forecasts"])
        return cls(str(tree["model"]), str(tree["version"]), str(tree["bundle"]), made_at, rows)


def round_probabilities(values: tuple[float, float, float]) -> tuple[float, float, float]:
    """Probabilities with six decimals."""
    home, draw, away = (round(float(value), DECIMALS) for value in values)
    return home, draw, away


def _row(one: OutcomeForecast) -> dict[str, object]:
    match = one.match
    return {
        "match_id": match.match_id,
        "season": match.season,
        "gameweek": match.gameweek,
        "kickoff": _text(match.kickoff),
        "home": match.home,
        "away": match.away,
        **{name: f"{value:.{DECIMALS}f}" for name, value in zip(OUTCOMES, one.probabilities, strict=True)},
    }


def _forecast(row: Mapping[str, Any]) -> OutcomeForecast:
    match = ScheduledMatch.of_row({**row, "kickoff": datetime.fromisoformat(row["kickoff"])})
    home, draw, away = (float(row[name]) for name in OUTCOMES)
    return OutcomeForecast(match, (home, draw, away))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
