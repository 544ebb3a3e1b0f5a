"""All odds that a user has: the season files of a folder, one row for each match and moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pandas as pd

from matchday.market.error import MarketError
from matchday.market.season_file import SeasonFile, read_season_file

ENDING = ".csv"
REMEDY = "download E0.csv of the seasons from football-data.co.uk/englandm.php, under any names that end in .csv"


@dataclass(frozen=True)
class Odds:
    """Matches and odds as in `SeasonFile`, of all files. left_out: sentences about what could not be used."""

    files: tuple[SeasonFile, ...]
    matches: pd.DataFrame
    odds: pd.DataFrame
    left_out: tuple[str, ...]


def read_odds(place: Path) -> Odds:
    """Read a file, or all CSV files of a folder and of the folders in it.

    Files that hold no match of the Premier League are left out and told. Of a match that several files have, what the
    file with the most matches says counts, for it is the later download; odds that it lacks are those of the other.
    Raises MarketError when no file can be used.
    """
    files: list[SeasonFile] = []
    left_out: list[str] = []
    for path in _list_files(place):
        try:
            files.append(read_season_file(str(path.relative_to(place) if path != place else path.name), _read(path)))
        except MarketError as why:
            left_out.append(str(why))
    if not files:
        raise MarketError(f"{place} holds no odds: {'; '.join(left_out[:3]) or 'no CSV file'}; {REMEDY}")
    files.sort(key=lambda one: (one.season, -len(one.matches), one.name))
    return Odds(
        tuple(files),
        _first_of_each([one.matches for one in files], ["match_id"]),
        _first_of_each([one.odds for one in files], ["match_id", "moment"]),
        (*left_out, *_tell_doubles(files), *(reason for one in files for reason in one.left_out)),
    )


def _list_files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise MarketError(f"there is no folder {place}; {REMEDY}")
    try:
        found = [*place.iterdir(), *place.glob("*/*")]
    except OSError as why:
        raise MarketError(f"{place} cannot be read ({why.strerror})") from None
    return sorted(path for path in found if path.suffix.lower() == ENDING and path.is_file())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as why:
        raise MarketError(f"{path.name}: it cannot be read ({why.strerror})") from None


def _first_of_each(frames: Sequence[pd.DataFrame], key: list[str]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)] or list(frames[:1])
    return pd.concat(filled, ignore_index=True).drop_duplicates(key, ignore_index=True)


def _tell_doubles(files: Sequence[SeasonFile]) -> list[str]:
    return [
        f"{later.name}: it is of season {later.season}, as is {earlier.name}, which counts where both have a match"
        for earlier, later in pairwise(files)
        if earlier.season == later.season
    ]
