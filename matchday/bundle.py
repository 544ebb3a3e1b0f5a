"""The model bundle: the folder of five files that goes from training to the registry to the server.

`model.onnx` is the graph, `signature.json` says what goes in and out of it, `explainer.json` holds what
explanations need, `MODEL_CARD.md` is for people, and `SHA256SUMS` (as `sha256sum --check` reads it) seals
the others. Nothing in it is executable and nothing else may be in it. Standard library only: the server
imports this.
"""

import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from matchday.errors import MatchdayError
from matchday.files import write_file
from matchday.signature import Signature, SignatureError

MAX_FILE_BYTES = 64 * 2**20
"""No file of a bundle may be larger: 64 MiB. The graphs of this project are below 5 MiB."""

CONTENTS = ("MODEL_CARD.md", "explainer.json", "model.onnx", "signature.json")
SUMS = "SHA256SUMS"


class BundleError(MatchdayError):
    """A bundle that is not whole; the message names the file."""


@dataclass(frozen=True)
class Bundle:
    """A verified bundle in memory: these bytes are the ones whose sums were checked.

    `digest` is the sha256 of `SHA256SUMS`, one name for the content of the whole bundle.
    """

    onnx: bytes
    signature: Signature
    explainer: Mapping[str, Any]
    card: str
    digest: str


def write_bundle(
    folder: str | os.PathLike[str], onnx: bytes, signature: Signature, explainer: Mapping[str, Any], card: str
) -> None:
    """Write a bundle to `folder`: whole or not at all, the same bytes for the same arguments.

    An earlier bundle there is replaced; a folder that holds anything else is left alone.
    Raises BundleError when the arguments do not make a bundle or the folder cannot be written.
    """
    contents = {
        "MODEL_CARD.md": card.encode(),
        "explainer.json": _json("explainer.json", explainer),
        "model.onnx": onnx,
        "signature.json": _json("signature.json", signature.to_json()),
    }
    contents[SUMS] = _sums(contents)
    for name, data in contents.items():
        _check_size(Path(folder) / name, len(data))
    _place(Path.cwd() / folder, contents)


def verify_bundle(folder: str | os.PathLike[str]) -> Signature:
    """The signature of the bundle in `folder`, once every file is proved to be what was written.

    Raises BundleError, naming the file, for one that is missing, unknown, altered, truncated, too large or
    not a regular file.
    """
    return read_bundle(folder).signature


def read_bundle(folder: str | os.PathLike[str]) -> Bundle:
    """The verified bundle in `folder`. Raises as `verify_bundle` does."""
    root = Path(folder)
    _check_names(root)
    contents = {name: _read(root / name) for name in (*CONTENTS, SUMS)}
    _check_sums(root, contents)
    try:
        signature = Signature.from_json(_parse(root / "signature.json", contents["signature.json"]))
    except SignatureError as error:
        raise BundleError(f"{root / 'signature.json'}: {error}") from error
    return Bundle(
        onnx=contents["model.onnx"],
        signature=signature,
        explainer=_parse(root / "explainer.json", contents["explainer.json"]),
        card=_text(root / "MODEL_CARD.md", contents["MODEL_CARD.md"]),
        digest=hashlib.sha256(contents[SUMS]).hexdigest(),
    )


def _place(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Build the folder beside its place and rename it there; an earlier bundle steps aside for it."""
    staged = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _check_replaceable(folder)
        staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        (staged / "new").mkdir()
        for name, data in contents.items():
            write_file(staged / "new" / name, data)
        if folder.is_dir() and any(folder.iterdir()):
            folder.rename(staged / "old")
        (staged / "new").rename(folder)
    except OSError as error:
        raise BundleError(f"cannot write the bundle {folder}: {error.strerror or error}") from error
    finally:
        if staged is not None:
            shutil.rmtree(staged, ignore_errors=True)


def _check_replaceable(folder: Path) -> None:
    if not os.path.lexists(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        raise BundleError(f"{folder} is not a folder: a bundle cannot be written there")
    for entry in sorted(item.name for item in folder.iterdir()):
        if entry not in (*CONTENTS, SUMS):
            raise BundleError(f"{folder} holds {entry}, which is not part of a bundle: choose another folder")


def _check_names(root: Path) -> None:
    try:
        found = {item.name for item in root.iterdir()}
    except OSError as error:
        raise BundleError(f"no bundle at {root}: {error.strerror}") from error
    known = {*CONTENTS, SUMS}
    if missing := sorted(known - found):
        raise BundleError(f"the bundle {root} lacks {', '.join(missing)}: fetch or train it again")
    if unknown := sorted(found - known):
        raise BundleError(f"the bundle {root} holds {', '.join(unknown)}, which is no part of a bundle")


def _read(path: Path) -> bytes:
    """The bytes of a regular file, neither through a link nor beyond the size limit."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise BundleError(f"{path} is not a regular file: links and folders are refused in a bundle")
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            _check_size(path, os.fstat(file.fileno()).st_size)
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise BundleError(f"cannot read {path}: {error.strerror or error}") from error
    _check_size(path, len(data))
    return data


def _check_size(path: Path, size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise BundleError(f"{path} has {size:,} bytes; a file of a bundle has at most {MAX_FILE_BYTES:,}")


def _sums(contents: Mapping[str, bytes]) -> bytes:
    lines = (f"{hashlib.sha256(contents[name]).hexdigest()}  {name}\n" for name in CONTENTS)
    return "".join(lines).encode()


def _check_sums(root: Path, contents: Mapping[str, bytes]) -> None:
    """Refuse any byte that differs; the text of SHA256SUMS itself must be the one `write_bundle` writes."""
    expected = _sums(contents)
    if contents[SUMS] == expected:
        return
    recorded = contents[SUMS].splitlines()
    if [line[64:] for line in recorded] == [line[64:] for line in expected.splitlines()]:
        for name, was, now in zip(CONTENTS, recorded, expected.splitlines(), strict=True):
            if was != now:
                raise BundleError(f"{root / name} does not match its sum in {SUMS}: altered or truncated")
    raise BundleError(f"{root / SUMS} is damaged: it must hold one sum for each of {', '.join(CONTENTS)}")


def _json(name: str, value: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise BundleError(f"{name} cannot be written as JSON: {error}") from error
    return f"{text}\n".encode()


def _parse(path: Path, data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise BundleError(f"{path} must hold a JSON object, not {type(value).__name__}")
    return value


def _text(path: Path, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BundleError(f"{path} is not UTF-8 text: {error}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) != len(pairs):
        raise ValueError(f"a key appears twice among {', '.join(key for key, _ in pairs)}")
    return keys


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")
