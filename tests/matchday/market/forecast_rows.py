"""Walk-forward forecasts of matches that are made up, and odds of the same matches."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np
import pandas as pd

from matchday.market.odds import Odds
from matchday.market.pairs import Pairs
from matchday.market.season_file import Moment

SATURDAY = pd.Timestamp("2023-09-16T14:00:00Z")


def forecast_rows(
    forecasts: Mapping[str, Sequence[float]], result: int = 0, first: pd.Timestamp = SATURDAY
) -> pd.DataFrame:
    """Forecasts (H, D, A) by match id, a week apart."""
    kickoff = pd.to_datetime([first + timedelta(weeks=week) for week in range(len(forecasts))], utc=True)
    numbers = pd.DataFrame(list(forecasts.values()), columns=["H", "D", "A"])
    seasons = [match[:4] for match in forecasts]
    return numbers.assign(match_id=list(forecasts), season=seasons, kickoff=kickoff, result=result, refit=kickoff)


def odds_of(matches: Mapping[str, tuple[int, int]], odds: Sequence[tuple[str, Moment, float, float, float]]) -> Odds:
    """Scores by match id; and rows of match id, moment, and the odds of home, draw, away."""
    played = pd.DataFrame(
        [(match, *score) for match, score in matches.items()], columns=["match_id", "home_goals", "away_goals"]
    )
    rows = [(match, moment.value, "average", *prices) for match, moment, *prices in odds]
    return Odds((), played, pd.DataFrame(rows, columns=["match_id", "moment", "book", "H", "D", "A"]), ())


def random_pairs(count: int, seed: int = 1, weeks: int = 20, seasons: Sequence[str] = ("2324", "2425")) -> Pairs:
    """Model and market as noise around a truth that the results are drawn from."""
    draw = np.random.default_rng(seed)
    truth = draw.dirichlet([6, 4, 5], count)
    model, market = (draw.dirichlet([1, 1, 1], count) * share + truth * (1 - share) for share in (0.3, 0.1))
    result = np.array([draw.choice(3, p=row) for row in truth])
    season = np.repeat(seasons, -(-count // len(seasons)))[:count]
    kickoff = SATURDAY + pd.to_timedelta(7 * (np.arange(count) % weeks), unit="D")
    matches = pd.DataFrame({"match_id": [f"{one}-{place}" for place, one in enumerate(season)], "season": season})
    matches = matches.assign(
        kickoff=kickoff, home_goals=(result == 0) * 1, away_goals=(result == 2) * 1, book="average"
    )
    return Pairs(Moment.CLOSING, matches, model, market, result, 0)
