"""Walk-forward forecasts beside the betting market, on odds that the user has."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from matchday.market.calibration import Calibration, calibrate
from matchday.market.comparison import ALL, Difference, compare
from matchday.market.disagreement import LargestDisagreements, largest_disagreements
from matchday.market.error import MarketError
from matchday.market.margin import Margin
from matchday.market.odds import Odds, read_odds
from matchday.market.pairs import FORECAST_COLUMNS, Pairs, contradictions, pair
from matchday.market.season_file import Moment
from matchday.models.evaluation import Evaluation
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.skill import registered_forecasts
from matchday.registry import CHAMPION, Registry
from matchday.settings import Settings

SUSPICIOUS = 2.0
"""Standard errors by which nobody is better than the closing odds without having seen what came later."""


@dataclass(frozen=True)
class MomentComparison:
    """The model beside the odds of one moment.

    books: of how many matches the odds are of each. without_odds: matches that were forecast and are in a file, and
    have no odds.
    """

    moment: str
    matches: int
    books: dict[str, int]
    without_odds: int
    differences: tuple[Difference, ...]
    model: Calibration
    market: Calibration
    disagreements: LargestDisagreements


@dataclass(frozen=True)
class MarketComparison:
    """The model beside the market. forecasts: whose. files: that were read. notes: what was left out, and why."""

    forecasts: str
    margin: str
    files: tuple[str, ...]
    moments: tuple[MomentComparison, ...]
    notes: tuple[str, ...]


def compare_market(
    place: Path,
    *,
    version: str | None = None,
    forecasts: Path | None = None,
    margin: str = Margin.SHIN,
    listed: int = 10,
) -> MarketComparison:
    """Compare walk-forward forecasts with the odds of a file or folder.

    version: whose registered forecasts are taken; None means the champion's. forecasts: a file of forecasts in their
    place. margin: name of a `Margin`. listed: how many of the largest disagreements. Raises MarketError when there is
    nothing to compare, RegistryError, EvaluationError.
    """
    method = _margin(margin)
    odds = read_odds(place)
    title, rows = _read_forecasts(forecasts) if forecasts else _registered(version)
    paired = [pair(rows, odds, moment, method) for moment in Moment]
    moments = tuple(_describe_moment(pairs, listed) for pairs in paired if len(pairs.matches))
    if not moments:
        raise MarketError(
            f"no match has both: {title} has forecast {_seasons(rows)}, and the files have odds of"
            f" {_seasons(odds.odds.assign(season=odds.odds['match_id'].str[:4]))}"
        )
    notes = (*_notes(rows, odds), *_suspicions(moments))
    return MarketComparison(title, method.value, tuple(one.name for one in odds.files), moments, notes)


def describe_comparison(found: MarketComparison) -> dict[str, Any]:
    """A comparison as JSON can hold it; numbers that there are not are null."""
    described: dict[str, Any] = _plain(asdict(found))
    return described


def _margin(name: str) -> Margin:
    try:
        return Margin(name)
    except ValueError:
        raise MarketError(f"no way {name!r} to take out the margin; there are: {', '.join(Margin)}") from None


def _registered(version: str | None) -> tuple[str, pd.DataFrame]:
    settings = Settings()
    settings.make_home()
    registry = Registry(settings.tracking_uri)
    name = MATCH_OUTCOME.name
    found = registry.resolve(f"mlflow://{name}/{version}" if version else f"mlflow://{name}@{CHAMPION}")
    rows = registered_forecasts(registry, MATCH_OUTCOME, found.version)
    if rows.empty:
        raise MarketError(f"version {found.version} of {name} was registered without walk-forward forecasts")
    return f"{name} version {found.version}", rows


def _read_forecasts(path: Path) -> tuple[str, pd.DataFrame]:
    try:
        rows = Evaluation.load(MATCH_OUTCOME, path).own.forecasts
    except (OSError, ValueError) as why:  # of pyarrow: no Parquet
        raise MarketError(f"{path} is no file of forecasts: {str(why).splitlines()[0]}") from None
    if lacking := [column for column in FORECAST_COLUMNS if column not in rows]:
        raise MarketError(f"{path} is no file of walk-forward forecasts: it lacks {', '.join(lacking)}")
    return f"{MATCH_OUTCOME.name} of {path.name}", rows


def _describe_moment(pairs: Pairs, listed: int) -> MomentComparison:
    return MomentComparison(
        pairs.moment.value,
        len(pairs.matches),
        dict(pairs.books),
        pairs.without_odds,
        tuple(compare(pairs)),
        calibrate(pairs.model, pairs.result),
        calibrate(pairs.market, pairs.result),
        largest_disagreements(pairs, listed),
    )


def _notes(forecasts: pd.DataFrame, odds: Odds) -> list[str]:
    notes = list(odds.left_out)
    known = odds.matches["match_id"]
    if others := contradictions(forecasts, odds):
        notes.append(f"left out, as the file has another result than the history: {', '.join(others)}")
    if missing := _by_season(forecasts["match_id"][~forecasts["match_id"].isin(known)]):
        notes.append(f"forecast, and in no file: {missing}")
    if surplus := _by_season(known[~known.isin(forecasts["match_id"])]):
        notes.append(f"in a file, and not forecast: {surplus}")
    return notes


def _suspicions(moments: Sequence[MomentComparison]) -> list[str]:
    closing = [one for at in moments if at.moment == Moment.CLOSING for one in at.differences if one.season == ALL]
    return [
        f"better than the closing odds by more than {SUSPICIOUS:g} standard errors of {one.score}: look for a leak"
        for one in closing
        if one.difference < -SUSPICIOUS * one.standard_error
    ]


def _by_season(matches: pd.Series) -> str:
    counts = sorted(Counter(str(match)[:4] for match in matches).items())
    return ", ".join(f"{count} of {season[:2]}/{season[2:]}" for season, count in counts)


def _seasons(rows: pd.DataFrame) -> str:
    return ", ".join(f"{season[:2]}/{season[2:]}" for season in sorted(set(rows["season"]))) or "no match"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value
