"""Matches, fixtures and teams of the bundled history."""

from collections.abc import Mapping

import pandas as pd

from matchday.errors import MatchdayError
from matchday.sources.clubs import NAMES, code
from matchday.sources.history.archive import LISTED, SCHEDULED, SEASONS, Archive
from matchday.tables.table import match_ids

RETURN_LEGS = {
    "1516-ARS-AVL": 38,
    "1516-AVL-TOT": 30,
    "1516-LEI-NEW": 30,
    "1516-SUN-CHE": 37,
    "1516-WHU-SWA": 37,
}
"""Filed under the gameweek of the first leg; these are the right ones."""

AFTER_THE_PAUSE = 38
"""19/20 stopped after gameweek 29 and went on with number 39, which is 30."""


def results(archive: Archive) -> pd.DataFrame:
    """All results, as Matches. A kick-off of which only the day is known is at 15:00."""
    rows = pd.concat([_season(archive, season) for season in SEASONS], ignore_index=True)
    rows["match_id"] = match_ids(rows["season"], rows["home"], rows["away"])
    rows["gameweek"] = rows["match_id"].map(RETURN_LEGS).astype("Int64").fillna(rows["gameweek"])
    return rows


def matches(rows: pd.DataFrame, kickoffs: Mapping[str, pd.Timestamp]) -> pd.DataFrame:
    """The Matches: results with the kick-offs that are known from elsewhere, by match id, filled in.

    Raises MatchdayError when such a time contradicts the result's.
    """
    known = rows["match_id"].map(dict(kickoffs)).astype("datetime64[us, UTC]")
    day_differs = known.dt.normalize() != rows["kickoff"].dt.normalize()
    time_differs = rows["kickoff_exact"] & (known != rows["kickoff"])
    wrong = known.notna() & (day_differs | time_differs)
    if wrong.any():
        raise MatchdayError(f"player rows and result disagree on the kick-off of {rows.loc[wrong, 'match_id'].iloc[0]}")
    rows = rows.assign(kickoff=known.fillna(rows["kickoff"]), kickoff_exact=rows["kickoff_exact"] | known.notna())
    return rows.sort_values(["kickoff", "match_id"], ignore_index=True)


def fixtures(archive: Archive, played: pd.DataFrame) -> pd.DataFrame:
    """The Fixtures of all played matches.

    Raises MatchdayError where the fantasy game's own fixture list, from 19/20 on, disagrees.
    """
    for season in SCHEDULED:
        _agree(_schedule(archive, season), played[played["season"] == season])
    return played[["match_id", "season", "gameweek", "kickoff", "home", "away"]].copy()


def teams(archive: Archive, played: pd.DataFrame) -> pd.DataFrame:
    """The Teams of every season: from the results of 14/15, from the lists of teams after it."""
    first = played.loc[played["season"] == SEASONS[0], ["season", "home"]].drop_duplicates()
    pairs = {(season, team) for season, team in first.itertuples(index=False)}
    for season in LISTED:
        pairs |= {(season, code(row["name"])) for row in archive.rows(f"teams_{season}.csv")}
    rows = pd.DataFrame(sorted(pairs), columns=["season", "team"])
    return rows.assign(name=rows["team"].map(NAMES))


def _season(archive: Archive, season: str) -> pd.DataFrame:
    rows = pd.DataFrame(archive.rows(f"results_{season}.csv"))
    week = pd.to_numeric(rows["gameweek"]) if "gameweek" in rows else pd.Series(pd.NA, index=rows.index)
    week = week.astype("Int64")
    exact = rows["date"].str.endswith("Z").astype(bool)
    time = pd.to_datetime(rows["date"], utc=True).astype("datetime64[us, UTC]")
    return pd.DataFrame(
        {
            "season": season,
            "gameweek": week.where(week.isna() | (week <= AFTER_THE_PAUSE), week - 9),
            "kickoff": time.where(exact, time.dt.normalize() + pd.Timedelta(hours=15)),
            "kickoff_exact": exact,
            "home": rows["home_team"].map(code),
            "away": rows["away_team"].map(code),
            "home_goals": rows["home_score"].astype("int64"),
            "away_goals": rows["away_score"].astype("int64"),
        }
    )


def _schedule(archive: Archive, season: str) -> pd.DataFrame:
    short = {team["id"]: team["short_name"] for team in archive.tree(f"FPL_{season}.json")["teams"]}
    rows = pd.DataFrame(archive.tree(f"fixture_data_{season}.json"))
    home, away = rows["team_h"].map(short), rows["team_a"].map(short)
    week = rows["event"].astype("Int64")
    return pd.DataFrame(
        {
            "match_id": match_ids(pd.Series(season, index=rows.index), home, away),
            "gameweek": week.where(week <= AFTER_THE_PAUSE, week - 9),
            "kickoff": pd.to_datetime(rows["kickoff_time"], utc=True).astype("datetime64[us, UTC]"),
            "home_goals": rows["team_h_score"].astype("int64"),
            "away_goals": rows["team_a_score"].astype("int64"),
        }
    )


def _agree(scheduled: pd.DataFrame, played: pd.DataFrame) -> None:
    both = played.merge(scheduled, on="match_id", how="outer", suffixes=("", "_scheduled"))
    for column in ("gameweek", "kickoff", "home_goals", "away_goals"):
        same = (both[column] == both[f"{column}_scheduled"]).fillna(False)
        if not same.all():
            raise MatchdayError(
                f"results and fixture list disagree on {column} of {both.loc[~same, 'match_id'].iloc[0]}"
            )
