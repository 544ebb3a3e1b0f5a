"""Looks a version up in MLflow's database file without MLflow, whose import takes seconds.

The tables are those of MLflow 3. Whatever is not as expected there gives None, and the caller asks MLflow itself.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from matchday.registry.names import ModelUri

WAIT_SECONDS = 5.0
"""How long a read waits for a writer that is committing."""


class StoredVersion(NamedTuple):
    """A version as the database has it."""

    name: str
    version: str
    tags: Mapping[str, str]


def find_stored(database: Path, uri: str) -> StoredVersion | None:
    """The version that a model URI means now; None when there is none, or the file is not as expected.

    Raises ModelUriError for a text that is no model URI.
    """
    name, number, alias = ModelUri.parse(uri)
    if not database.is_file():
        return None
    try:
        with closing(
            sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=WAIT_SECONDS)
        ) as opened:
            version = number or _number_of(opened, name, str(alias))
            if version is None or not _is_ready(opened, name, version):
                return None
            rows = opened.execute(
                "SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?", (name, version)
            )
            return StoredVersion(name, version, {str(key): str(value) for key, value in rows})
    except sqlite3.Error:
        return None


def _number_of(opened: sqlite3.Connection, name: str, alias: str) -> str | None:
    asked = "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?"
    rows = opened.execute(asked, (name, alias)).fetchall()
    return str(rows[0][0]) if len(rows) == 1 else None


def _is_ready(opened: sqlite3.Connection, name: str, version: str) -> bool:
    asked = "SELECT status, current_stage FROM model_versions WHERE name = ? AND version = ?"
    return [(status, stage == "Deleted_Internal") for status, stage in opened.execute(asked, (name, version))] == [
        ("READY", False)
    ]
