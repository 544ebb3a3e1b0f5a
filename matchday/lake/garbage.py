"""Deletion of files that no version of a table needs.

Version N puts its new parts into the folder `vN`, and refers otherwise to parts of version N-1 alone. So once
version N is current, no writer can come to need a file in the folders `v1` to `vN` that version N does not name:
a writer who started from an earlier version finds the pointer changed, and starts again. Nothing depends on clocks.
Readers of a version that is no longer kept find a file missing, and read the pointer again.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from matchday.lake.version import Version
from matchday.storage import Storage

NUMBERED, FINGERPRINT = re.compile(r"v(\d+)"), re.compile(r"[0-9a-f]{32}")

ABANDONED = timedelta(hours=6)
"""Age from which a file of format 1 that no version names was left by a killed writer of an earlier release."""


def folder(table: str, number: int) -> str:
    """Where a version puts its new parts."""
    return f"{table}/v{number}"


def sweep(storage: Storage, table: str, current: Version) -> None:
    """Delete what no version needs, once `current` is the table's pointer. Raises StorageError."""
    storage.delete(_garbage(storage, table, current))


def _garbage(storage: Storage, table: str, current: Version) -> Iterator[str]:
    needed = current.paths()
    for path, written in storage.files(table).items():
        place = path.removeprefix(f"{table}/").split("/")[0]
        if path in needed:
            continue
        if (numbered := NUMBERED.fullmatch(place)) and int(numbered[1]) <= current.number:
            yield path
        if FINGERPRINT.fullmatch(place) and datetime.now(UTC) - written > ABANDONED:
            yield path
