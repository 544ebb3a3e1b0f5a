"""The standard tables as of a moment: the bundled history, and seasons under way as they were observed before it.

What was observed at the moment or later changes nothing. Of the bundled history nobody knows when a row was known, so
its seasons are whole. A season that both have is taken from the bundled history once its last match has begun before
the moment, and from the observations until then.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.collected.appearances import appearances, squads_in_all
from matchday.collected.precedence import ORDER, BelievedMatch, believe, statements
from matchday.collected.versions import newest, same
from matchday.sources.clubs import NAMES
from matchday.sources.history.availability import reason
from matchday.tables import Appearances, Availability, Fixtures, Matches, Players, Teams, columns, merge, order
from matchday.tables.arrow import dtypes
from matchday.tables.observed import ObservedFixtures, ObservedPlayers, ObservedTeams
from matchday.tables.observed_rules import ObservedRules
from matchday.tables.schedule import MATCHES_OF_A_SEASON

Observations = Mapping[type[DataFrameModel], pd.DataFrame]
"""Versions by table of observations."""

Frames = dict[type[DataFrameModel], pd.DataFrame]
"""Rows by standard table."""


@dataclass(frozen=True)
class ObservedSeason:
    """A season as it was known just before a moment.

    matches: what is believed of each. rows: all versions known by then, of this season. names: of teams, by code, as
    the bundled history has them. until: from when on the bundled history's rows are taken; None where it has none.
    """

    season: str
    matches: list[BelievedMatch]
    rows: Observations
    names: Mapping[str, str]
    until: datetime | None = None


def observed_seasons(
    observed: Observations, moment: datetime, bundled: pd.DataFrame, teams: pd.DataFrame
) -> list[ObservedSeason]:
    """The seasons whose tables are made from observations at a moment, oldest first.

    bundled: rows of `Matches`, teams: of `Teams`, both of the bundled history.
    """
    known = {table: rows[rows["known_at"] < moment] for table, rows in observed.items()}
    seen = sorted({str(season) for rows in known.values() for season in rows["season"].unique()})
    ends = _ends_of_seasons(bundled)
    names = NAMES | dict(zip(teams["team"], teams["name"], strict=True))
    return [
        ObservedSeason(season, believe(statements(of_season[ObservedFixtures])), of_season, names, ends.get(season))
        for season in seen
        if season not in ends or ends[season] >= moment
        for of_season in [{table: rows[rows["season"] == season] for table, rows in known.items()}]
    ]


def tables(load: Callable[[type[DataFrameModel]], pd.DataFrame], observed: Observations, moment: datetime) -> Frames:
    """Every standard table that observations give, whole: bundled seasons, and observed ones in their place.

    load: reads a table of the bundled history. Raises TableError.
    """
    seasons = observed_seasons(observed, moment, load(Matches), load(Teams))
    frames: Frames = {}
    for table in BUILDERS:
        bundled = load(table)
        stay = bundled[~bundled["season"].isin([one.season for one in seasons])]
        frames[table] = merge(table, stay, season_rows(table, seasons))
    return frames


def season_rows(table: type[DataFrameModel], seasons: Iterable[ObservedSeason]) -> pd.DataFrame:
    """The rows of a standard table that seasons under way have, in the table's order, not yet validated."""
    made = [_frame(table, BUILDERS[table](one)) for one in seasons]
    rows = pd.concat([one for one in made if len(one)] or [_frame(table, [])], ignore_index=True)
    return rows.sort_values(order(table), kind="stable", ignore_index=True)


def _matches(season: ObservedSeason) -> list[dict[str, object]]:
    """Matches with a result that stands."""
    rows = []
    for match, row in _scheduled(season):
        if match.score is not None:
            goals = {"home_goals": match.score[0], "away_goals": match.score[1]}
            rows.append(row | goals | {"kickoff_exact": match.kickoff_exact})
    return rows


def _fixtures(season: ObservedSeason) -> list[dict[str, object]]:
    """Matches that have been played or have a kick-off: a match without one is no fixture until it gets one."""
    return [row for _, row in _scheduled(season)]


def _scheduled(season: ObservedSeason) -> list[tuple[BelievedMatch, dict[str, object]]]:
    found: list[tuple[BelievedMatch, dict[str, object]]] = []
    for match in season.matches:
        if match.kickoff is not None and match.status in ("scheduled", "finished", "awarded"):
            _, home, away = match.match_id.split("-")
            row = {"match_id": match.match_id, "season": season.season, "home": home, "away": away}
            found.append((match, {**row, "gameweek": match.gameweek, "kickoff": match.kickoff}))
    return found


def _teams(season: ObservedSeason) -> list[dict[str, object]]:
    """Teams that a source lists, and those of the matches. One name in all seasons: the bundled one, else ours."""
    listed = _most_believed(newest(ObservedTeams, season.rows[ObservedTeams]), "team")
    names = {str(row["team"]): str(row["name"]) for row in listed.to_dict("records")}
    playing = {team for match in season.matches for team in match.match_id.split("-")[1:]}
    return [
        {"season": season.season, "team": team, "name": season.names.get(team) or names.get(team, team)}
        for team in sorted(names.keys() | playing)
    ]


def _players(season: ObservedSeason) -> pd.DataFrame:
    return _most_believed(newest(ObservedPlayers, season.rows[ObservedPlayers]), "player")


def _availability(season: ObservedSeason) -> pd.DataFrame:
    """The versions that changed a player's price, flag, news or return, and his first one of each day.

    After the last gameweek there are none. selected: the percentage that the source gives, of all squads.
    """
    rows = season.rows[ObservedPlayers]
    rows = rows[rows["gameweek"].notna()].sort_values(["player", "known_at"], ignore_index=True)
    told = ["price", "chance", "news", "return_gameweek"]
    unchanged = [same(rows[column], rows.groupby("player")[column].shift()) for column in told]
    again = pd.concat(unchanged, axis=1).all(axis=1) & rows["player"].duplicated()
    same_day = rows.assign(day=rows["known_at"].dt.floor("D")).duplicated(["player", "day"])
    shown = rows[~(again & same_day)].sort_values("known_at", kind="stable")
    totals = squads_in_all(season.rows[ObservedRules])
    shown = pd.merge_asof(shown, totals, on="known_at") if len(totals) else shown.assign(total=float("nan"))
    squads = (shown["selected"] * shown["total"] / 100).round()
    shown = shown.assign(selected=squads, reason=reason(shown["news"]))
    return shown.rename(columns={"known_at": "seen_at"}).sort_values(["player", "seen_at"], ignore_index=True)


def _appearances(season: ObservedSeason) -> pd.DataFrame:
    return appearances(season.matches, season.rows)


Rows = list[dict[str, object]] | pd.DataFrame

BUILDERS: dict[type[DataFrameModel], Callable[[ObservedSeason], Rows]] = {
    Teams: _teams,
    Fixtures: _fixtures,
    Matches: _matches,
    Appearances: _appearances,
    Players: _players,
    Availability: _availability,
}
"""What makes the rows of a standard table from an observed season."""


def _ends_of_seasons(bundled: pd.DataFrame) -> dict[str, datetime]:
    """The last kick-off of each season that the bundled history has whole."""
    ends = bundled.groupby("season")["kickoff"].agg(["size", "max"])
    return {str(season): end for season, size, end in ends.itertuples() if size == MATCHES_OF_A_SEASON}


def _most_believed(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row for each value of a column: that of the source which is believed first."""
    rank = {source: place for place, source in enumerate(ORDER)}
    ranked = rows.assign(rank=rows["source"].map(rank).fillna(len(ORDER)))
    return ranked.sort_values(["rank", "source"], kind="stable").drop_duplicates(column)


def _frame(table: type[DataFrameModel], rows: Rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns(table)).astype(dtypes(table))
