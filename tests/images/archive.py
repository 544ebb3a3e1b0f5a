"""An image as `docker save`, `podman save`, `buildah push docker-archive:` and `ctr images export` write it."""

import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"


@dataclass
class ImageArchive:
    """An image's settings, and its files as a container finds them."""

    path: Path
    first_own: re.Pattern[str]  # in the instruction that follows the base image's last
    _members: dict[str, tuple[str, tarfile.TarInfo]] = field(default_factory=dict)
    own_bytes: int = 0  # of the layers over the base, uncompressed

    def __post_init__(self) -> None:
        with tarfile.open(self.path) as outer:
            for number, name in enumerate(self._manifest["Layers"]):
                size = self._add(outer, name)
                self.own_bytes += size if number >= self.base_layers else 0

    @property
    def config(self) -> dict[str, Any]:
        """User, Env, Entrypoint, Labels."""
        return self._description["config"]

    @property
    def history(self) -> list[dict[str, Any]]:
        """The instructions of the build, with or without a layer."""
        return self._description["history"]

    @property
    def base_layers(self) -> int:
        """How many of the layers are the base image's."""
        for number, entry in enumerate(self.history):
            if self.first_own.search(entry.get("created_by", "")):
                return sum(not before.get("empty_layer") for before in self.history[:number])
        raise ValueError(f"{self.path}: no layer of its own; buildah needs --layers for that")

    @property
    def files(self) -> dict[str, tarfile.TarInfo]:
        """Every file, folder and link by its path, without the leading slash."""
        return {path: member for path, (_, member) in self._members.items()}

    def contents(self, largest: int) -> Iterator[tuple[str, bytes]]:
        """Path and content of every file of up to `largest` bytes."""
        with tarfile.open(self.path) as outer:
            for layer in self._manifest["Layers"]:
                with self._layer(outer, layer) as inner:
                    for path, (home, member) in self._members.items():
                        if home == layer and member.isreg() and member.size <= largest:
                            stream = inner.extractfile(member)
                            assert stream
                            yield path, stream.read()

    @cached_property
    def _manifest(self) -> dict[str, Any]:
        return self._json("manifest.json")[0]

    @cached_property
    def _description(self) -> dict[str, Any]:
        return self._json(self._manifest["Config"])

    def _json(self, name: str) -> Any:
        with tarfile.open(self.path) as outer:
            stream = outer.extractfile(name)
            assert stream
            return json.load(stream)

    def _layer(self, outer: tarfile.TarFile, name: str) -> tarfile.TarFile:
        return tarfile.open(fileobj=outer.extractfile(name))

    def _add(self, outer: tarfile.TarFile, name: str) -> int:
        """Lay a layer over those before it. Returns its size."""
        with self._layer(outer, name) as inner:
            members = inner.getmembers()
            for member in members:
                path = PurePosixPath(member.name.lstrip("/"))
                if path.name == OPAQUE:
                    self._remove_below(str(path.parent))
                elif path.name.startswith(WHITEOUT):
                    gone = str(path.with_name(path.name.removeprefix(WHITEOUT)))
                    self._members.pop(gone, None)
                    self._remove_below(gone)
            for member in members:
                path = PurePosixPath(member.name.lstrip("/"))
                if not path.name.startswith(WHITEOUT):
                    self._members[str(path)] = (name, member)
            return inner.offset

    def _remove_below(self, folder: str) -> None:
        for path in [path for path in self._members if path.startswith(f"{folder}/")]:
            del self._members[path]
