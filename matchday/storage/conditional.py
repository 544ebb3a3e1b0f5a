"""Conditional writes: an object is replaced only if it is still the one that was read.

A tag names the content that was read: its SHA-256 in a folder, its ETag in a bucket. No tag: nothing was there.
"""

import hashlib
from pathlib import Path
from typing import Any

from matchday.files import lock_file, write_file
from matchday.storage.errors import PreconditionFailed

READS = 10
"""Attempts to read an object that is replaced between the two requests that a read takes."""

REFUSED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
"""Error codes of S3 for a condition that does not hold, or for another conditional write at the same moment."""


def read_file(path: Path) -> tuple[bytes, str]:
    """Content and tag of a file. Raises OSError."""
    content = path.read_bytes()
    return content, _tag(content)


def replace_file_if(path: Path, content: bytes, tag: str | None) -> None:
    """Replace a file that still has this tag. Raises PreconditionFailed, OSError."""
    with lock_file(path.with_name(f".{path.name}.lock")):
        found = _tag(path.read_bytes()) if path.exists() else None
        if found != tag:
            raise PreconditionFailed(f"{path} was written by another process meanwhile")
        write_file(path, content)


def read_object(fs: Any, path: str) -> tuple[bytes, str]:
    """Content and tag of an object. fs: s3fs. Raises FileNotFoundError and what s3fs raises."""
    for attempt in range(READS):
        with fs.open(path, "rb") as file:
            try:
                return file.read(), str(file.details["ETag"])
            except OSError as error:
                if isinstance(error, FileNotFoundError) or attempt == READS - 1:
                    raise
    raise AssertionError


def replace_object_if(fs: Any, path: str, content: bytes, tag: str | None) -> None:
    """Replace an object that still has this tag. fs: s3fs. Raises PreconditionFailed and what s3fs raises."""
    condition = {"mode": "create"} if tag is None else {"IfMatch": tag}
    try:
        fs.pipe_file(path, content, **condition)
    except FileNotFoundError:
        if tag is None:
            raise
        raise PreconditionFailed(f"{path} was deleted meanwhile") from None
    except OSError as error:
        if _code(error) not in REFUSED:
            raise
        raise PreconditionFailed(f"{path} was written by another process meanwhile") from None


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _code(error: OSError) -> str:
    """The error code of S3 behind an error of s3fs."""
    answer = getattr(error.__cause__, "response", {})
    return str(answer.get("Error", {}).get("Code", ""))
