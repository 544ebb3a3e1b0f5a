"""The peers' environments: one each, from pinned requirements, built once below `.tools/bench`."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from benchmarks.serving.error import BenchError
from matchday.settings import REPOSITORY

HERE = Path(__file__).parent / "peers"
ROOT = REPOSITORY / ".tools" / "bench"
STAMP = ".requirements"
"""File of an environment that says which requirements it was made from."""


def build(name: str, console: Console) -> Path:
    """The folder of programs of a peer's environment, made when it is not there or its requirements changed.

    Raises BenchError with uv's own words.
    """
    requirements, folder = HERE / f"{name}.txt", ROOT / name
    stamp = f"{hashlib.sha256(requirements.read_bytes()).hexdigest()} {folder}"
    if not _stamped(folder, stamp):
        console.print(f"building the environment of {name} in {folder.relative_to(REPOSITORY)}: once")
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        python = str(folder / "bin" / "python")
        _uv("pip", "install", "--quiet", "--no-deps", "--compile-bytecode", "--python", python, "-r", str(requirements))
        (folder / STAMP).write_text(stamp)
    return folder / "bin"


def _stamped(folder: Path, stamp: str) -> bool:
    try:
        return (folder / STAMP).read_text() == stamp
    except FileNotFoundError:
        return False


def _uv(*arguments: str) -> None:
    own = REPOSITORY / ".tools" / "uv" / "bin" / "uv"
    uv = str(own) if own.exists() else shutil.which("uv")
    if uv is None:
        raise BenchError("uv is missing: run 'make setup', which fetches it, then run this again")
    environ = {**os.environ, "UV_SYSTEM_CERTS": os.environ.get("UV_SYSTEM_CERTS", "1")}
    environ.pop("VIRTUAL_ENV", None)
    ended = subprocess.run([uv, *arguments], env=environ, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise BenchError(f"uv {arguments[0]} failed: {' | '.join(ended.stderr.strip().splitlines()[-5:])}")
