"""The reader of images, on images of a few files."""

import io
import json
import re
import tarfile
from pathlib import Path

import pytest

from tests.images.archive import ImageArchive

OURS = re.compile("ENV OURS")
FOLDER = None


def layer(files: dict[str, bytes | None]) -> bytes:
    """A layer's tar; None is a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.type = tarfile.REGTYPE if content is not None else tarfile.DIRTYPE
            member.size = len(content or b"")
            tar.addfile(member, io.BytesIO(content or b""))
    return out.getvalue()


def image(file: Path, layers: list[bytes], history: list[dict[str, object]]) -> ImageArchive:
    """An archive as `docker save` writes it."""
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    parts = dict(zip(names, layers, strict=True))
    parts["config.json"] = json.dumps({"config": {"User": "1"}, "history": history}).encode()
    parts["manifest.json"] = json.dumps([{"Config": "config.json", "Layers": names}]).encode()
    file.write_bytes(layer(dict(parts.items())))
    return ImageArchive(file, OURS)


BASE = [{"created_by": "ADD rootfs"}, {"created_by": "CMD python3", "empty_layer": True}]
OWN = [{"created_by": "ENV OURS=1", "empty_layer": True}, {"created_by": "COPY . ."}]


def test_later_layers_lie_over_earlier_ones(tmp_path: Path) -> None:
    below = layer({"a": b"old", "b": b"b", "folder": FOLDER, "folder/c": b"c", "kept/d": b"d", "kept/e": b"e"})
    above = layer({"a": b"new!", ".wh.b": b"", ".wh.folder": b"", "kept/.wh..wh..opq": b"", "kept/e": b"E"})
    read = image(tmp_path / "image.tar", [below, above], BASE + OWN)
    assert set(read.files) == {"a", "kept/e"}
    assert dict(read.contents(largest=10)) == {"a": b"new!", "kept/e": b"E"}
    assert dict(read.contents(largest=1)) == {"kept/e": b"E"}
    assert read.config["User"] == "1"


def test_the_base_is_not_counted(tmp_path: Path) -> None:
    own = layer({"b": b"b"})
    read = image(tmp_path / "image.tar", [layer({"a": b"a" * 10**6}), own], BASE + OWN)
    assert read.base_layers == 1
    assert 1024 <= read.own_bytes <= len(own)


def test_an_image_squashed_into_one_layer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--layers"):
        image(tmp_path / "image.tar", [layer({"a": b"a"})], [{"created_by": "/bin/sh"}])
