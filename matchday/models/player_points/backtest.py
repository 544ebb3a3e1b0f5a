"""The reported backtest of `player-points`: four seasons, refitted every four gameweeks, beside simple forecasts.

No setting was chosen on these seasons: docs/decisions/0032-points-are-learnt-in-two-stages.md.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import pandas as pd

from matchday.durations import FULL_TIME
from matchday.features.player_tables import player_tables
from matchday.features.player_vectors import points_rows
from matchday.features.team import team_tables
from matchday.models.player_points import openfpl
from matchday.models.player_points.baselines import simple_forecasts
from matchday.models.player_points.horizon import later_rows
from matchday.models.player_points.inputs import COLUMN, WEEKS, vectors_of
from matchday.models.player_points.kind import PLAYER_POINTS
from matchday.models.player_points.model import PointsModel, fit
from matchday.ratings.xg import with_xg
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances, Availability, Matches, Teams

SEASONS = ("2223", "2324", "2425", "2526")
WITH_FLAGS = "2526"
"""The only season with fitness flags."""
REFIT = 4
"""Gameweeks that one fit forecasts."""
ELEVEN = 11
WEEK = ["season", "gameweek"]
KEYS = ["season", "gameweek", "match_id", "player"]


@dataclass(frozen=True)
class Measured:
    """A number of the backtest. bar: what it has to be, `<= 1.92`; empty where it is only shown."""

    what: str
    value: float
    unit: str = "points"
    bar: str = ""


@dataclass(frozen=True)
class PointsBacktest:
    """What a backtest found. A row is a player's gameweek: a double one is summed.

    measures: the rows of the table of results, in order. forecasters: RMSE of the model (`player-points`) and of simple
    forecasts: forecaster, seasons, rows, all, played. by_season: season, rows, played, rmse, rmse_given, eleven, inside
    (share of the randomised PIT from .1 to .9). categories: OpenFPL's: category, rows, rmse, openfpl. horizons:
    weeks_ahead (0 the coming gameweek), rows, rmse. calibration: of the chance to play in ten bins: said, happened,
    rows. forecasts: a row for each player and match: season, gameweek, match_id, player, position, minutes, points,
    forecast, without_flags, given, plays, pit, covered (by the 10 and 90 % quantiles). seconds: of the model's features
    and walk, without the simple forecasts.
    """

    measures: tuple[Measured, ...]
    forecasters: pd.DataFrame
    by_season: pd.DataFrame
    categories: pd.DataFrame
    horizons: pd.DataFrame
    calibration: pd.DataFrame
    forecasts: pd.DataFrame
    seconds: float


def points_backtest(snapshot: Snapshot, progress: Callable[[int, int], None] | None = None) -> PointsBacktest:
    """Walk the bundled history. progress is called with (gameweeks done, gameweeks in all). Raises SnapshotError."""
    start = perf_counter()
    rows = feature_rows(snapshot)
    forecasts, horizons = walk(rows, SEASONS, progress)
    seconds = perf_counter() - start
    simple = simple_forecasts(rows).assign(**{name: rows[name] for name in KEYS if name != "gameweek"})
    forecasts = forecasts.merge(simple, on=["season", "match_id", "player"])
    weekly = by_gameweek(forecasts)
    categories = openfpl.compare(weekly)
    by_season = pd.DataFrame([_season(season, weekly, forecasts) for season in sorted(weekly["season"].unique())])
    return PointsBacktest(
        measures=(*_measures(weekly, forecasts), *openfpl.measures(categories, Measured), _duration(seconds)),
        forecasters=_forecasters(weekly),
        by_season=by_season,
        categories=categories,
        horizons=horizons,
        calibration=_calibration(forecasts),
        forecasts=forecasts,
        seconds=seconds,
    )


def feature_rows(snapshot: Snapshot) -> pd.DataFrame:
    """Rows of `PointsFeatures` of the bundled history. Raises SnapshotError."""
    appearances, teams = snapshot.load(Appearances), snapshot.load(Teams)
    form, market = player_tables(appearances, teams, snapshot.load(Availability))
    team_form, team_ratings, *_ = team_tables(with_xg(snapshot.load(Matches), appearances), teams)
    tables = {"player_form": form, "player_market": market, "team_form": team_form, "team_ratings": team_ratings}
    return points_rows(appearances, tables)


def walk(
    rows: pd.DataFrame, seasons: tuple[str, ...], progress: Callable[[int, int], None] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Forecasts of every row of `seasons`, and the RMSE by weeks ahead (at the gameweeks of the refits).

    Each fit sees matches that had ended at the deadline of the first gameweek that it forecasts.
    """
    target = rows[rows["season"].isin(seasons)]
    weeks = len(target[WEEK].drop_duplicates())
    parts: list[pd.DataFrame] = []
    ahead: list[pd.DataFrame] = []
    done = 0
    for season, block in _blocks(target):
        coming = target[(target["season"] == season) & target["gameweek"].isin(block)]
        past = rows[rows["kickoff"] + FULL_TIME <= coming["event_time"].min()]
        model = fit(past, season)
        parts.append(_forecast(model, coming, len(parts)))
        ahead.append(_look_ahead(model, target[target["season"] == season], block[0]))
        done += len(block)
        if progress:
            progress(done, weeks)
    errors = pd.concat(ahead, ignore_index=True)
    horizons = errors.groupby("weeks_ahead")["squared"].agg(rows="size", rmse=lambda each: each.mean() ** 0.5)
    return pd.concat(parts, ignore_index=True), horizons.reset_index()


def by_gameweek(forecasts: pd.DataFrame) -> pd.DataFrame:
    """A row for each player and gameweek: sums over its matches; `given` and `points_played` over those he played."""
    played = forecasts["minutes"] > 0
    summed = forecasts.assign(
        given=forecasts["given"].where(played, 0.0), points_played=forecasts["points"].where(played, 0)
    )
    names = ["forecast", "without_flags", "given", "points", "points_played", "minutes", "last five", "season average"]
    return summed.groupby([*WEEK, "player"], as_index=False)[names].sum()


def rmse(forecast: pd.Series, happened: pd.Series) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.square(forecast - happened).mean()))


def _blocks(target: pd.DataFrame) -> Iterator[tuple[str, list[float]]]:
    for season, of in target.groupby("season"):
        weeks = sorted(of["gameweek"].unique())
        for first in range(0, len(weeks), REFIT):
            yield str(season), weeks[first : first + REFIT]


def _forecast(model: PointsModel, coming: pd.DataFrame, seed: int) -> pd.DataFrame:
    vectors = vectors_of(coming)
    found, points = model.predict(vectors), coming["result"].to_numpy(np.int64)
    unflagged = found
    if vectors[:, COLUMN["flag"]].any():
        vectors[:, COLUMN["flag"]] = 0
        unflagged = model.predict(vectors)
    uniform = np.random.default_rng(seed).random(len(points))
    low, _, high = found.quantiles.T
    return coming[KEYS].assign(
        position=coming["position_number"].astype(int),
        minutes=coming["minutes"],
        points=points,
        forecast=found.points,
        without_flags=unflagged.points,
        given=found.given,
        plays=1 - found.minutes[:, 0],
        pit=found.distribution.randomised_pit(points, uniform),
        covered=(low <= points) & (points <= high),
    )


def _look_ahead(model: PointsModel, season: pd.DataFrame, week: float) -> pd.DataFrame:
    """Squared errors of the gameweek and of seven later ones, forecast from what was known at its deadline."""
    parts = []
    for ahead in range(WEEKS):
        asked = later_rows(season, ahead, frozenset({int(week)}))
        if len(asked):
            found = asked[["player", "result"]].assign(forecast=model.predict(vectors_of(asked)).points)
            summed = found.groupby("player")[["forecast", "result"]].sum()
            parts.append(
                pd.DataFrame({"weeks_ahead": ahead, "squared": np.square(summed["forecast"] - summed["result"])})
            )
    return pd.concat(parts, ignore_index=True)


def _eleven(weekly: pd.DataFrame) -> pd.Series:
    """Mean points of the eleven highest forecasts of each gameweek."""
    highest = weekly.sort_values("forecast", ascending=False).groupby(WEEK).head(ELEVEN)
    return highest.groupby(WEEK)["points"].mean()


def _given(weekly: pd.DataFrame) -> float:
    played = weekly[weekly["minutes"] > 0]
    return rmse(played["given"], played["points_played"])


def _inside(forecasts: pd.DataFrame) -> float:
    return float(forecasts["pit"].between(0.1, 0.9).mean())


def _measures(weekly: pd.DataFrame, forecasts: pd.DataFrame) -> tuple[Measured, ...]:
    early, late = weekly[weekly["season"] != WITH_FLAGS], weekly[weekly["season"] == WITH_FLAGS]
    eleven, inside = _eleven(weekly), _inside(forecasts)
    matches = forecasts[forecasts["season"] != WITH_FLAGS]
    return (
        Measured("players' gameweeks, 2022/23-2024/25", len(early), "rows"),
        Measured("RMSE, 2022/23-2024/25, all", rmse(early["forecast"], early["points"]), bar="<= 1.92"),
        Measured("players' gameweeks played, 2022/23-2024/25", int((early["minutes"] > 0).sum()), "rows"),
        Measured("RMSE, 2022/23-2024/25, given that he plays", _given(early), bar="<= 2.8"),
        Measured("RMSE of single matches, 2022/23-2024/25, all", rmse(matches["forecast"], matches["points"])),
        Measured("players' gameweeks, 2025/26", len(late), "rows"),
        Measured("RMSE, 2025/26 with availability, all", rmse(late["forecast"], late["points"]), bar="<= 1.885"),
        Measured("RMSE, 2025/26 without availability, all", rmse(late["without_flags"], late["points"])),
        Measured("mean points of the eleven highest, 2022/23-2025/26", float(eleven.mean()), bar=">= 5.6"),
        Measured("standard error of it, by gameweek", float(eleven.std() / len(eleven) ** 0.5)),
        Measured("randomised PIT from .1 to .9, at least", inside, "", ">= 0.78"),
        Measured("randomised PIT from .1 to .9, at most", inside, "", "<= 0.82"),
        Measured("points from the 10 to the 90 % quantile", float(forecasts["covered"].mean()), ""),
    )


def _duration(seconds: float) -> Measured:
    return Measured("features and backtest of four seasons, refitted every four gameweeks", seconds, "s", "<= 480")


def _season(season: str, weekly: pd.DataFrame, forecasts: pd.DataFrame) -> dict[str, object]:
    rows = weekly[weekly["season"] == season]
    return {
        "season": season,
        "rows": len(rows),
        "played": int((rows["minutes"] > 0).sum()),
        "rmse": rmse(rows["forecast"], rows["points"]),
        "rmse_given": _given(rows),
        "eleven": float(_eleven(rows).mean()),
        "inside": _inside(forecasts[forecasts["season"] == season]),
    }


def _forecasters(weekly: pd.DataFrame) -> pd.DataFrame:
    """RMSE on all and on those who played, the latter conditioned on what happened."""
    found: list[dict[str, object]] = []
    for seasons, rows in weekly.groupby(np.where(weekly["season"] == WITH_FLAGS, "2526", "2223-2425")):
        played = rows[rows["minutes"] > 0]
        found += [
            {
                "forecaster": PLAYER_POINTS.name if name == "forecast" else name,
                "seasons": seasons,
                "rows": len(rows),
                "all": rmse(rows[name], rows["points"]),
                "played": rmse(played[name], played["points"]),
            }
            for name in ("last five", "season average", "forecast")
        ]
    return pd.DataFrame(found)


def _calibration(forecasts: pd.DataFrame) -> pd.DataFrame:
    """What was said and what happened in ten bins of equal count of the chance to play."""
    ordered = forecasts.sort_values("plays", kind="stable")
    bins = np.arange(len(ordered)) * 10 // len(ordered)
    happened = (ordered["minutes"] > 0).astype(float)
    found = pd.DataFrame({"said": ordered["plays"], "happened": happened}).groupby(bins)
    return found.agg(said=("said", "mean"), happened=("happened", "mean"), rows=("said", "size")).reset_index(drop=True)
