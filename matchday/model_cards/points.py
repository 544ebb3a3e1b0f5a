"""The model card of `player-points`, `docs/models/player-points.md`, and the file of scores that it is written from.

The backtest takes minutes, so its scores are kept beside the card, and CI writes the card from them. They carry the
fingerprint of the code and data that they come from: those of other code are refused.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_type_hints

import pandas as pd

from matchday.errors import MatchdayError
from matchday.model_cards.calibration_plot import draw_calibration
from matchday.model_cards.markdown import season_name, table
from matchday.model_cards.provenance import fingerprint
from matchday.models.player_points import backtest
from matchday.models.player_points.backtest import Measured, PointsBacktest
from matchday.scores.bins import Bin

DIGITS = 6
"""Decimals of the numbers that are kept."""


class ScoresFileError(MatchdayError):
    """A file that holds no scores of a points backtest, or those of other code or data."""


@dataclass(frozen=True)
class PointsScores:
    """What of a `PointsBacktest` the card tells: all but the forecasts and the time."""

    measures: tuple[Measured, ...]
    forecasters: pd.DataFrame
    by_season: pd.DataFrame
    categories: pd.DataFrame
    horizons: pd.DataFrame
    calibration: pd.DataFrame

    @classmethod
    def of(cls, found: PointsBacktest) -> "PointsScores":
        """The scores of a backtest, without what depends on the machine."""
        kept = tuple(one for one in found.measures if one.unit not in ("s", "min", "ms"))
        return cls(kept, found.forecasters, found.by_season, found.categories, found.horizons, found.calibration)

    def save(self, path: Path) -> None:
        """Write them as JSON; the same scores give the same bytes."""
        frames = {name: getattr(self, name).to_dict("records") for name in _frames()}
        measures = [asdict(one) for one in self.measures]
        described = _rounded({"made_by": fingerprint(backtest.__name__), "measures": measures, **frames})
        path.write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "PointsScores":
        """Read what `save` wrote. Raises ScoresFileError, also for scores of other code or data than these."""
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            measures = tuple(Measured(**one) for one in kept["measures"])
            found = cls(measures, **{name: pd.DataFrame(kept[name]) for name in _frames()})
            made_by = kept["made_by"]
        except (OSError, ValueError, KeyError, TypeError) as why:
            raise ScoresFileError(f"{path} holds no scores of a points backtest: {why}") from None
        if made_by != fingerprint(backtest.__name__):
            raise ScoresFileError(f"{path} holds scores of other code or data: run 'make cards' and commit it")
        return found


def points_card(found: PointsScores, plot: str) -> str:
    """The card in Markdown. plot: file name of the calibration plot, beside it."""
    return TEXT.format(
        measures=table(
            ("what", "value", "bar"), [(one.what, _measured(one), one.bar or "shown") for one in found.measures]
        ),
        forecasters=frame_table(found.forecasters),
        seasons=frame_table(found.by_season),
        categories=frame_table(found.categories),
        horizons=frame_table(found.horizons),
        plot=plot,
    )


def points_plot(found: PointsScores) -> str:
    """The calibration plot of the chance to play."""
    rows = found.calibration
    cells = zip(rows["said"], rows["happened"], rows["rows"], strict=True)
    bins = [Bin(float(said), float(happened), int(count)) for said, happened, count in cells]
    return draw_calibration({"plays": bins}, "probability said", "share that happened")


def frame_table(rows: pd.DataFrame) -> str:
    """A frame as a table of Markdown: columns in words, fractions with three decimals."""
    columns = [str(name).replace("_", " ") for name in rows.columns]
    return table(columns, [[_cell(name, cell) for name, cell in row.items()] for row in rows.to_dict("records")])


def _cell(name: Any, cell: Any) -> str:
    if name == "season":
        return season_name(str(cell))
    if isinstance(cell, float):
        return "-" if cell != cell else f"{cell:.3f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _measured(one: Measured) -> str:
    number = f"{one.value:,.0f}" if float(one.value).is_integer() and abs(one.value) >= 100 else f"{one.value:.3f}"
    return f"{number} {one.unit}".strip()


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    if hasattr(value, "item"):
        return _rounded(value.item())
    if isinstance(value, float):
        return None if value != value else round(value, DIGITS)
    return value


def _frames() -> list[str]:
    return [name for name, kind in get_type_hints(PointsScores).items() if kind is pd.DataFrame]


TEXT = """\
# player-points

Fantasy points of every registered player in his coming matches. Written by `make cards` from
[the scores of its backtest](player-points.json), which the same command makes anew; CI writes the card from the scores
and compares, as the backtest itself takes minutes.

## Intended use

To say what a player may be worth in the coming gameweeks: a mean, and a distribution over whole points. The rules of
the Fantasy Premier League are data. It picks no team; that is the optimiser's part.

## Data

Rows of every registered player and match from 2016/17 on, as bundled in `data/`; expected goals from their publication;
prices, ownership and transfers as at the deadline. Availability flags exist for 2025/26 from gameweek 4 on alone.

## Method

Minutes first: the probabilities of 0, of 1 to 59 and of 60 and more minutes. Then points given the minutes, by
position, with the strengths of both teams from the outcome side. Points that follow those of similar appearances,
tilted to the forecast mean, give the distribution. Hyper-parameters were chosen on 2019/20 to 2021/22, before the
seasons below.

## Scores, walk-forward

Refitted every four gameweeks; a forecast uses what was known at the gameweek's deadline. "Given that he plays": the
forecast for the case that he plays, scored on those who did.

{measures}

RMSE beside simple forecasts:

{forecasters}

By season:

{seasons}

By what happened, beside the published figures of OpenFPL for 2024/25, gameweeks 32 to 38. Its set of players is another
one, so this is an orientation and no comparison:

{categories}

Weeks ahead, with each later match at the date on which it was played; a match that was moved counts there:

{horizons}

## Calibration

![Calibration of the chance to play]({plot})

Ten bins of the probability that a player plays at all; vertical lines are two standard errors.

## Limits

- News that the fantasy game does not flag is unknown: rotation, line-ups, a coach's plans.
- Before 2025/26 there are no flags at all, and these seasons are forecast without.
- Points are mostly nothing and sometimes many: the mean is small beside its error, for every forecaster.
- A player who has never been seen is forecast by position, price and team.
"""
