"""Files that are read whole or not at all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matchday.errors import MatchdayError
from matchday.files import write_file


class FolderError(MatchdayError):
    """A file of ours that cannot be written or read."""


def write(file: Path, content: Mapping[str, Any]) -> None:
    """Put JSON in the place of a file: a reader sees the old or the new, whatever happens. Raises FolderError."""
    try:
        write_file(file, json.dumps(content, indent=1).encode())
    except OSError as error:
        raise FolderError(f"cannot write {file}: {error.strerror or error}") from None


def read(file: Path) -> dict[str, Any]:
    """What `write` put there; empty when nothing. Raises FolderError for what is no JSON object."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise FolderError(f"{file} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise FolderError(f"{file} holds no JSON object")
    return content
