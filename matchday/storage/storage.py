"""Objects below one root, in a folder or a bucket: read whole, written whole or not at all."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec

from matchday.files import LockTimeout, write_file
from matchday.storage import conditional
from matchday.storage.errors import PreconditionFailed, StorageError
from matchday.storage.region import adopt_region

_OPTIONS = {"s3": {"use_listings_cache": False}}
"""No cached listings: they would hide what another process wrote a moment ago."""


class Storage:
    """Objects by relative path below a root.

    url: a local path, `file://...` or `s3://bucket/prefix`. S3 takes credentials, region and endpoint from
    the usual AWS_* variables (AWS_ENDPOINT_URL for other stores than Amazon's). Every method raises
    StorageError when the root does not allow it; reading what is not there raises FileNotFoundError.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        adopt_region()
        with self._one_sentence("open"):
            fs, path = fsspec.core.url_to_fs(self.url, **_OPTIONS.get(self._scheme, {}))
        self._fs: Any = fs
        self._root = str(path).rstrip("/")

    def address(self, path: str) -> str:
        """The full address of a path, as other tools take it."""
        return f"{self.url}/{path}"

    def read(self, path: str) -> bytes:
        """The whole object."""
        with self._one_sentence("read"):
            return bytes(self._fs.cat_file(self._at(path)))

    def read_tagged(self, path: str) -> tuple[bytes, str]:
        """The whole object, and the tag that `replace_if` takes."""
        with self._one_sentence("read"):
            if self._scheme == "file":
                return conditional.read_file(Path(self._at(path)))
            return conditional.read_object(self._fs, self._at(path))

    def write(self, path: str, content: bytes) -> None:
        """Put the object there in one step: a reader sees the former one or this one, whole."""
        with self._one_sentence("write"):
            if self._scheme == "file":
                write_file(Path(self._at(path)), content)
            else:
                self._fs.pipe_file(self._at(path), content)

    def replace_if(self, path: str, content: bytes, tag: str | None) -> None:
        """Write the object only if it still is the one that was read with this tag (None: nothing was there).

        Of several writers with the same tag one succeeds. Raises PreconditionFailed for the others.
        """
        with self._one_sentence("write"):
            if self._scheme == "file":
                conditional.replace_file_if(Path(self._at(path)), content, tag)
            else:
                conditional.replace_object_if(self._fs, self._at(path), content, tag)

    def files(self, path: str) -> dict[str, datetime]:
        """Every object below a path, relative to the root, with the time of its last write (UTC)."""
        with self._one_sentence("read"):
            found = self._fs.find(self._at(path), detail=True)
            return {name[len(self._root) + 1 :]: _written(info) for name, info in found.items()}

    def delete(self, paths: Iterable[str]) -> None:
        """Delete objects, and folders that become empty; those that are not there are passed over."""
        for path in paths:
            with self._one_sentence("write"), suppress(FileNotFoundError):
                self._fs.rm_file(self._at(path))
                if self._scheme == "file":
                    self._delete_empty_folders(Path(self._at(path)).parent)

    def _delete_empty_folders(self, folder: Path) -> None:
        with suppress(OSError):  # not empty
            while folder != Path(self._root):
                folder.rmdir()
                folder = folder.parent

    @property
    def _scheme(self) -> str:
        return self.url.split("://", 1)[0] if "://" in self.url else "file"

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    @contextmanager
    def _one_sentence(self, verb: str) -> Iterator[None]:
        """Turn failures of the root into StorageError. A missing object stays a FileNotFoundError for the caller."""
        try:
            yield
        except (PreconditionFailed, LockTimeout):
            raise
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


def _written(info: dict[str, Any]) -> datetime:
    changed: datetime = info.get("LastModified") or datetime.fromtimestamp(info["mtime"], UTC)
    return changed


def _cloud_errors() -> tuple[type[Exception], ...]:
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return ()
    return (BotoCoreError, ClientError)
