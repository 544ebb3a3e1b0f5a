"""Bytes below one root, in a folder or a bucket: read whole, written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec

from matchday.errors import MatchdayError
from matchday.files import write_file

_OPTIONS = {"s3": {"use_listings_cache": False}}
"""What another process wrote a moment ago is seen."""


class StorageError(MatchdayError):
    """A root that cannot be reached, read or written."""


class Storage:
    """Objects by relative path below a root.

    url: a local path, `file://...` or `s3://bucket/prefix`. S3 takes credentials, region and endpoint from
    the usual AWS_* variables (AWS_ENDPOINT_URL for other stores than Amazon's). Every method raises
    StorageError when the root does not allow it; reading what is not there raises FileNotFoundError.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        adopt_region()
        with self._plainly("open"):
            fs, path = fsspec.core.url_to_fs(self.url, **_OPTIONS.get(self._scheme, {}))
        self._fs: Any = fs
        self._root = str(path).rstrip("/")

    def address(self, path: str) -> str:
        """The full address of a path, as other tools take it."""
        return f"{self.url}/{path}"

    def read(self, path: str) -> bytes:
        """The whole object."""
        with self._plainly("read"):
            return bytes(self._fs.cat_file(self._at(path)))

    def exists(self, path: str) -> bool:
        """Whether the object is there."""
        with self._plainly("read"):
            return bool(self._fs.exists(self._at(path)))

    def write(self, path: str, content: bytes) -> None:
        """Put the object there in one step: a reader sees the former one or this one, whole."""
        with self._plainly("write"):
            if self._scheme == "file":
                write_file(Path(self._at(path)), content)
            else:
                self._fs.pipe_file(self._at(path), content)

    def folders(self, path: str) -> list[str]:
        """Names of the folders directly below a path; none when it is not there."""
        with self._plainly("read"):
            try:
                found = self._fs.ls(self._at(path), detail=True)
            except FileNotFoundError:
                return []
            return sorted(one["name"].rstrip("/").rsplit("/", 1)[1] for one in found if one["type"] == "directory")

    def changed(self, path: str) -> datetime | None:
        """When anything below the path was last written, UTC; None when nothing is there."""
        with self._plainly("read"):
            found = self._fs.find(self._at(path), detail=True).values()
            times = [one.get("LastModified") or datetime.fromtimestamp(one["mtime"], UTC) for one in found]
            return max(times, default=None)

    def remove(self, path: str) -> None:
        """Take away everything below a path; nothing happens when nothing is there."""
        with self._plainly("write"):
            try:
                self._fs.rm(self._at(path), recursive=True)
            except FileNotFoundError:
                return

    @property
    def _scheme(self) -> str:
        return self.url.split("://", 1)[0] if "://" in self.url else "file"

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    @contextmanager
    def _plainly(self, verb: str) -> Iterator[None]:
        """Failures of the root as one sentence. A missing object stays a FileNotFoundError for the caller."""
        try:
            yield
        except FileNotFoundError as missing:
            if verb != "write":
                raise
            raise StorageError(f"{self.url}: cannot write there ({missing}); {self._remedy}") from None
        except self._failures as why:
            said = getattr(why, "strerror", None) or str(why) or type(why).__name__
            raise StorageError(f"{self.url}: cannot {verb} there ({said}); {self._remedy}") from None

    @property
    def _failures(self) -> tuple[type[Exception], ...]:
        return (OSError, ValueError, ImportError, *(_cloud_errors() if self._scheme == "s3" else ()))

    @property
    def _remedy(self) -> str:
        if self._scheme == "s3":
            return "check the bucket and AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL"
        return "choose a writable folder"


def adopt_region() -> None:
    """Let AWS_REGION, which other SDKs of S3 read, be heard by Python's: it knows AWS_DEFAULT_REGION alone."""
    if region := os.environ.get("AWS_REGION"):
        os.environ.setdefault("AWS_DEFAULT_REGION", region)


def _cloud_errors() -> tuple[type[Exception], ...]:
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return ()
    return (BotoCoreError, ClientError)
