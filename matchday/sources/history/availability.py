"""Flags and prices of 25/26, from its daily record."""

import pandas as pd

from matchday.sources.history.archive import Archive

RECORD = "player_attributes_history_2526.csv"
WATCHED = ["price", "news", "chance_of_playing_next_round", "return_gameweek"]

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
    """The Availability of 25/26: the days on which a player's flag or price changed."""
    rows = pd.DataFrame(archive.rows(RECORD)).replace("", None)
    rows["player"] = rows["opta_code"].str[1:].astype("int64")
    rows["seen_at"] = pd.to_datetime(rows["timestamp"], utc=True).astype("datetime64[us, UTC]")
    rows = rows.sort_values(["player", "seen_at"], ignore_index=True)
    said = rows[WATCHED].fillna("")
    before = said.groupby(rows["player"]).shift()
    rows = rows[(said != before).any(axis=1)].reset_index(drop=True)
    whole = {column: pd.to_numeric(rows[column]).astype("Int64") for column in (*WATCHED[2:], "price", "gameweek")}
    return pd.DataFrame(
        {
            "seen_at": rows["seen_at"],
            "season": rows["season"],
            "gameweek": whole["gameweek"].astype("int64"),
            "player": rows["player"],
            "team": rows["team"],
            "price": whole["price"].astype("int64"),
            "chance": whole["chance_of_playing_next_round"],
            "reason": reason(rows["news"]),
            "return_gameweek": whole["return_gameweek"],
        }
    )


def reason(news: pd.Series) -> pd.Series:
    """Why players were flagged, one of `tables.availability.REASONS`; None without news."""
    found = pd.Series("other", index=news.index, dtype=object).where(news.notna(), None)
    for word, signs in reversed(SIGNS.items()):
        found = found.mask(news.str.contains(signs, case=False, regex=True, na=False), word)
    return found
