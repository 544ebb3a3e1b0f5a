"""Flags, prices and ownership of 25/26, from its daily record."""

import pandas as pd

from matchday.sources.history.archive import Archive

RECORD = "player_attributes_history_2526.csv"
TRANSFERS = ["transfers_in", "transfers_out"]
WATCHED = ["gameweek", "price", "news", "chance_of_playing_next_round", "return_gameweek", "selected", *TRANSFERS]

SIGNS = {
    "ineligible": r"ineligible",
    "loan": r"\bloan\b",
    "left": r"joined|signed|departed|left the club|released|retired|contract|transfer|returned to|permanent",
    "suspension": r"suspen|banned",
    "illness": r"illness|virus",
    "fitness": r"fitness|fatigue",
    "international": r"international",
    "personal": r"personal|family|compassionate",
    "injury": r"injur|knock|surgery|strain|concussion|fracture|muscle|ligament|hernia|dead leg|gashed|neck",
}
"""What the words of the news say of the reason; the first that fits is it."""


def availability(archive: Archive) -> pd.DataFrame:
    """The Availability of 25/26: the days on which anything about a player changed."""
    rows = pd.DataFrame(archive.rows(RECORD)).replace("", None)
    rows["player"] = rows["opta_code"].str[1:].astype("int64")
    rows["seen_at"] = pd.to_datetime(rows["timestamp"], utc=True).astype("datetime64[us, UTC]")
    rows = rows.sort_values(["player", "seen_at"], ignore_index=True)
    numbers = ["gameweek", "price", "chance_of_playing_next_round", "return_gameweek", "selected", *TRANSFERS]
    whole = {column: pd.to_numeric(rows[column]).astype("Int64") for column in numbers}
    for column in TRANSFERS:
        whole[column] = _of_the_gameweek(rows, whole["gameweek"], whole[column])
    said = rows[WATCHED].fillna("")
    before = said.groupby(rows["player"]).shift()
    changed = (said != before).any(axis=1)
    made = pd.DataFrame(
        {
            "seen_at": rows["seen_at"],
            "season": rows["season"],
            "gameweek": whole["gameweek"].astype("int64"),
            "player": rows["player"],
            "team": rows["team"],
            "price": whole["price"].astype("int64"),
            "selected": whole["selected"],
            "transfers_in": whole["transfers_in"],
            "transfers_out": whole["transfers_out"],
            "chance": whole["chance_of_playing_next_round"],
            "reason": reason(rows["news"]),
            "return_gameweek": whole["return_gameweek"],
        }
    )
    return made[changed].reset_index(drop=True)


def _of_the_gameweek(rows: pd.DataFrame, week: pd.Series, total: pd.Series) -> pd.Series:
    """Transfers for the next gameweek, of totals since the season began: less the last total before the gameweek.

    Null in the first gameweek of the record, whose beginning it does not have; a player who comes later begins at 0.
    """
    last = total.groupby([rows["player"], week]).transform("last")
    before = last.groupby(rows["player"]).shift().where(week != week.groupby(rows["player"]).shift())
    before = before.mask(~rows["player"].duplicated() & (week > week.min()), 0)
    return total - before.groupby([rows["player"], week]).transform("first")


def reason(news: pd.Series) -> pd.Series:
    """Why players were flagged, one of `tables.availability.REASONS`; None without news."""
    found = pd.Series("other", index=news.index, dtype=object).where(news.notna(), None)
    for word, signs in reversed(SIGNS.items()):
        found = found.mask(news.str.contains(signs, case=False, regex=True, na=False), word)
    return found
