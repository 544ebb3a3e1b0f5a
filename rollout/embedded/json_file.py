"""JSON files that are replaced atomically."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matchday.errors import MatchdayError
from matchday.files import write_file


class JsonFileError(MatchdayError):
    """A JSON file that cannot be written or read."""


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    """Replace a file: a reader finds the former content or the new one. Raises JsonFileError."""
    try:
        write_file(file, json.dumps(content, indent=1).encode())
    except OSError as error:
        raise JsonFileError(f"cannot write {file}: {error.strerror or error}") from None


def read_json(file: Path) -> dict[str, Any]:
    """The object in a file; empty when there is no file. Raises JsonFileError for other content."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise JsonFileError(f"{file} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise JsonFileError(f"{file} holds no JSON object")
    return content
