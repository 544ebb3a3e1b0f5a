"""The published archive, read by an allow-list of file names and in no other way."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matchday.errors import MatchdayError

FOLDER = "airsenal/data"

SEASONS = ("1415", "1516", "1617", "1718", "1819", "1920", "2021", "2122", "2223", "2324", "2425", "2526")
"""Seasons with results."""

DETAILED = SEASONS[2:]
"""Seasons with complete player rows; 15/16 is left out, see the data's own page."""

DUMPED = SEASONS[3:]
"""Seasons with an end-of-season dump of the fantasy game."""

SCHEDULED = SEASONS[5:]
"""Seasons with the fantasy game's own fixture list."""

LISTED = (*SEASONS[1:], "2627")
"""Seasons with a list of teams."""

ALLOWED = frozenset(
    [f"results_{season}.csv" for season in SEASONS]
    + [f"player_details_{season}.json" for season in DETAILED]
    + [f"FPL_{season}.json" for season in DUMPED]
    + [f"fixture_data_{season}.json" for season in SCHEDULED]
    + [f"teams_{season}.csv" for season in LISTED]
    + ["player_attributes_history_2526.csv"]
)
"""Every file that may be opened. The archive holds others that are none of our business."""


class Archive:
    """A wheel on disk whose allowed files can be read by name; it offers no way to list or extract."""

    def __init__(self, wheel: Path) -> None:
        self.wheel = wheel

    def text(self, name: str) -> str:
        """The content of one allowed file.

        Raises ValueError for a name off the allow-list, MatchdayError when the archive is broken or lacks the
        file.
        """
        if name not in ALLOWED:
            raise ValueError(f"{name} is not on the list of files that may be read")
        try:
            with zipfile.ZipFile(self.wheel) as archive:
                return archive.read(f"{FOLDER}/{name}").decode("utf-8-sig")
        except KeyError:
            raise MatchdayError(f"{self.wheel.name}: {FOLDER}/{name} is not in it; is it the right wheel?") from None
        except (OSError, zipfile.BadZipFile) as broken:
            raise MatchdayError(f"{self.wheel}: cannot be read ({broken}); download it again") from None

    def rows(self, name: str) -> Iterator[dict[str, str]]:
        """The rows of one allowed CSV file."""
        return csv.DictReader(io.StringIO(self.text(name)))

    def tree(self, name: str) -> Any:
        """The content of one allowed JSON file."""
        return json.loads(self.text(name))
