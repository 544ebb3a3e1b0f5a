"""The league's history in the lake: taken in from a source, checked, described."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
import pandera.pandas as pa

from matchday.deductions import deducted
from matchday.durations import FULL_TIME
from matchday.errors import MatchdayError
from matchday.gameweeks import misfiled_matches
from matchday.lake import Lake
from matchday.sources.snapshot import TABLES as BUNDLED
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances, Availability, Fixtures, Matches, Players, Teams, merge, name
from matchday.tables.schedule import MATCHES_OF_A_SEASON
from matchday.unrecorded import unrecorded_statistics

TABLES: tuple[type[pa.DataFrameModel], ...] = (Matches, Appearances, Teams, Fixtures, Players, Availability)

RECEIPT = "ingested.json"
"""In the lake: which snapshot its tables were taken from, and which of their seasons come from observations."""

HOME_MATCHES = 19
LAST_GAMEWEEK, MATCHES_OF_A_GAMEWEEK = 38, 10
FIRST_WITH_PLAYERS = "1617"
"""Before it the history has no player rows."""


class HistoryError(MatchdayError):
    """A history that cannot be true, or is not the one a step was asked to work on."""


@dataclass(frozen=True)
class Ingested:
    """A history in the lake. history: fingerprint of its tables. unchanged: it was there before."""

    history: str
    unchanged: bool


@dataclass(frozen=True)
class Check:
    """A rule that a true history keeps. broken: what breaks it, empty when nothing does."""

    rule: str
    broken: tuple[str, ...]


def ingest(snapshot: Snapshot, lake: Lake, observed: Collection[str] | None = None) -> Ingested:
    """Take the bundled history into the lake; a history that is there already is left alone.

    observed: the seasons whose rows come from live sources (`matchday.collected.publication` writes them); they stay as
    they are, also where the bundled history has them. None: those that were named last. Raises SnapshotError for a file
    that is not what was committed, TableError for one that breaks its schema.
    """
    sums = snapshot.verify()
    known = receipt(lake, RECEIPT)
    living = observed_seasons(known) if observed is None else sorted(observed)
    same = known.get("sums") == sums and observed_seasons(known) == living
    if same and known.get("history") == present(lake) and all(map(lake.intact, BUNDLED)):
        return Ingested(str(known["history"]), unchanged=True)
    for table in BUNDLED:
        rows = snapshot.load(table)
        rows = rows[~rows["season"].isin(living)]
        if living and lake.fingerprint(table) is not None:
            rows = merge(table, rows, lake.read(table, living))
        lake.write(table, rows)
    return Ingested(note_taken(lake, sums, living), unchanged=False)


def note_taken(lake: Lake, sums: dict[str, str], observed: Sequence[str]) -> str:
    """Note that the lake's tables are those of a snapshot and of observed seasons. Returns their fingerprint."""
    history = fingerprint(lake)
    lake.storage.write(RECEIPT, json.dumps({"history": history, "sums": sums, "observed": list(observed)}).encode())
    return history


def observed_seasons(known: Mapping[str, object]) -> list[str]:
    """The seasons that a note names as observed, ascending."""
    named = known.get("observed")
    return sorted(map(str, named)) if isinstance(named, list) else []


def fingerprint(lake: Lake, tables: Sequence[type[pa.DataFrameModel]] = TABLES) -> str:
    """One name for the content of several tables. Raises HistoryError when one is not there."""
    if (found := present(lake, tables)) is None:
        wanted = ", ".join(name(table) for table in tables)
        raise HistoryError(f"the lake {lake.storage.url} lacks some of {wanted}; run the pipeline from ingest")
    return found


def present(lake: Lake, tables: Sequence[type[pa.DataFrameModel]] = TABLES) -> str | None:
    """`fingerprint`, or None when one of the tables is not there."""
    found = {name(table): lake.fingerprint(table) for table in tables}
    if None in found.values():
        return None
    return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()[:16]


def receipt(lake: Lake, path: str) -> dict[str, object]:
    """What a note in the lake says; empty when there is none that can be read."""
    try:
        return dict(json.loads(lake.storage.read(path)))
    except (FileNotFoundError, ValueError):
        return {}


def expect(lake: Lake, history: str, tables: Sequence[type[pa.DataFrameModel]] = TABLES) -> None:
    """Raises HistoryError unless the tables still have the content of that fingerprint."""
    if fingerprint(lake, tables) != history:
        raise HistoryError(f"the lake {lake.storage.url} has changed since this run began; start the run again")


def check(lake: Lake) -> list[Check]:
    """Hold the history against what every true one keeps. Raises HistoryError that names the first broken rule."""
    matches, appearances = lake.read(Matches), lake.read(Appearances)
    checks = [Check(rule, tuple(broken(matches, appearances))) for rule, broken in _RULES.items()]
    for one in checks:
        if one.broken:
            raise HistoryError(f"history breaks a rule: {one.rule}: {'; '.join(one.broken[:5])}")
    return checks


@dataclass(frozen=True)
class Season:
    """A season in figures. xg is None where the source has no expected goals."""

    season: str
    matches: int
    goals: int
    champion: str
    points: int
    player_rows: int
    xg: float | None


def describe(matches: pd.DataFrame, appearances: pd.DataFrame) -> list[Season]:
    """Every season in figures, oldest first."""
    rows = appearances.groupby("season").agg(rows=("player", "size"), xg=("xg", lambda xg: xg.sum(min_count=1)))
    return [
        Season(
            season=str(season),
            matches=len(played),
            goals=int(played["home_goals"].sum() + played["away_goals"].sum()),
            champion=str(table.index[0]),
            points=int(table["points"].iloc[0]),
            player_rows=int(rows["rows"].get(season, 0)),
            xg=None if pd.isna(rows["xg"].get(season)) else float(rows["xg"][season]),
        )
        for season, played in matches.groupby("season", sort=True)
        if len(table := league_table(played))
    ]


def league_table(matches: pd.DataFrame, as_of: datetime | None = None) -> pd.DataFrame:
    """Table of one season's matches: index team; points, difference, goals; best first.

    as_of: matches and deductions of points that were not known before it do not count; None: all do. A result is known
    at full time. Deductions are those of `matchday.deductions`; matches without a column `season` have none.
    """
    if as_of is not None:
        matches = matches[matches["kickoff"] + FULL_TIME <= as_of]
    sides = [
        pd.DataFrame({"team": matches[one], "goals": matches[f"{one}_goals"], "against": matches[f"{other}_goals"]})
        for one, other in (("home", "away"), ("away", "home"))
    ]
    rows = pd.concat(sides)
    rows["points"] = 3 * (rows["goals"] > rows["against"]) + (rows["goals"] == rows["against"])
    rows["difference"] = rows["goals"] - rows["against"]
    table = rows.groupby("team")[["points", "difference", "goals"]].sum()
    for season in matches["season"].unique() if "season" in matches else ():
        taken = pd.Series(deducted(str(season), as_of), dtype="int64")
        table["points"] -= taken.reindex(table.index, fill_value=0)
    return table.sort_values(["points", "difference", "goals"], ascending=False)


def season_under_way(matches: pd.DataFrame) -> str | None:
    """The newest season until its last gameweek has been played; None when that is over.

    The last gameweek is played at once, after every match that was postponed.
    """
    newest = matches[matches["season"] == matches["season"].max()]
    last = (newest["gameweek"] == LAST_GAMEWEEK).sum()
    return str(newest["season"].iloc[0]) if len(newest) and last < MATCHES_OF_A_GAMEWEEK else None


def _incomplete_seasons(matches: pd.DataFrame, _: pd.DataFrame) -> list[str]:
    counts = matches.groupby("season").size()
    under_way = counts.index.max()
    return [
        f"{season} has {count}"
        for season, count in counts.items()
        if count > MATCHES_OF_A_SEASON or (count < MATCHES_OF_A_SEASON and season != under_way)
    ]


def _wrong_home_counts(matches: pd.DataFrame, _: pd.DataFrame) -> list[str]:
    """Teams that do not play 19 times at home; in the season under way those that play more often."""
    counts = matches.groupby(["season", "home"], as_index=False).size()
    under_way = season_under_way(matches)
    whole = counts["season"] != under_way
    wrong = counts[(counts["size"] > HOME_MATCHES) | (whole & (counts["size"] < HOME_MATCHES))].to_dict("records")
    return [f"{row['home']} in {row['season']}: {row['size']}" for row in wrong]


def _misfiled(matches: pd.DataFrame, _: pd.DataFrame) -> list[str]:
    return misfiled_matches(matches)


def _orphans(matches: pd.DataFrame, appearances: pd.DataFrame) -> list[str]:
    return sorted(set(appearances["match_id"]) - set(matches["match_id"]))


def _scores_not_made_by_players(matches: pd.DataFrame, appearances: pd.DataFrame) -> list[str]:
    made = appearances.groupby(["match_id", "team"])[["goals", "own_goals"]].sum()
    covered = matches[matches["season"] >= FIRST_WITH_PLAYERS].set_index("match_id")
    covered = covered.drop(index=_without_players_yet(matches, appearances))
    wrong = []
    for side, other in (("home", "away"), ("away", "home")):
        own = made.reindex(pd.MultiIndex.from_arrays([covered.index, covered[side]]))["goals"]
        gifts = made.reindex(pd.MultiIndex.from_arrays([covered.index, covered[other]]))["own_goals"]
        off = own.to_numpy() + gifts.to_numpy() != covered[f"{side}_goals"].to_numpy()
        wrong += [f"{match} ({side})" for match in covered.index[off]]
    return wrong


def _without_players_yet(matches: pd.DataFrame, appearances: pd.DataFrame) -> list[str]:
    """Matches of the season under way that have no player rows so far: those come later than results, or never."""
    living = matches[matches["season"] == season_under_way(matches)]
    return sorted(set(living["match_id"]) - set(appearances["match_id"]))


def _unrecorded(_: pd.DataFrame, appearances: pd.DataFrame) -> list[str]:
    return unrecorded_statistics(appearances)


def _codes_too_new(matches: pd.DataFrame, appearances: pd.DataFrame) -> list[str]:
    """Codes rise with the years: one above all of the next season that has ended belongs to somebody who came later.

    Assistant managers have codes of their own kind. A season with less than half as many players says nothing of the
    one before: it was observed in part.
    """
    under_way = season_under_way(matches)
    people = appearances[(appearances["position"] != "MNG") & (appearances["season"] != under_way)]
    seasons = people.groupby("season")["player"].agg(["max", "nunique"]).sort_index()
    following = seasons.shift(-1)
    limits = following.loc[following["nunique"] * 2 >= seasons["nunique"], "max"]
    known = people[["season", "player", "name"]].drop_duplicates(["season", "player"])
    wrong = known[known["player"] > known["season"].map(limits)]
    return [f"{row['name']} in {row['season']}: {row['player']}" for row in wrong.to_dict("records")]


_RULES: dict[str, Callable[[pd.DataFrame, pd.DataFrame], list[str]]] = {
    "a season has 380 matches, the one under way at most as many": _incomplete_seasons,
    "a team plays 19 times at home": _wrong_home_counts,
    "a club plays a gameweek's matches between those of its neighbours": _misfiled,
    "every player row belongs to a match": _orphans,
    "an index or expected goals that are 0 for every player of a match are null": _unrecorded,
    "no player's code is newer than the season after": _codes_too_new,
    "players' goals and the other side's own goals make the score": _scores_not_made_by_players,
}
