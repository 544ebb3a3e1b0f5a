"""Rebuilding the bundled history from the wheel it was published in, bit for bit."""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.errors import MatchdayError
from matchday.settings import REPOSITORY
from matchday.sources.history.appearances import distinct, joined, kickoffs, players
from matchday.sources.history.archive import Archive
from matchday.sources.history.availability import availability
from matchday.sources.history.results import fixtures, matches, results, teams
from matchday.sources.snapshot import write
from matchday.tables import Appearances, Availability, Fixtures, Matches, Players, Teams, columns, name

PACKAGE = "airsenal==1.17.0"
SHA256 = "6e988724bc3b5f40fe5f09743bc9a702201e8e070c178db5aff1f2277df0f73d"


def build(wheel: Path | None, out: Path) -> dict[str, int]:
    """Rebuild the snapshot below `out` and return the rows of each table by name.

    wheel: a copy of the published one; None fetches it alone from PyPI. Raises MatchdayError when it cannot
    be had or is not the pinned one, TableError when what it holds breaks a table.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = wheel or fetch(Path(folder))
        check(source)
        frames = tables(Archive(source))
        write(out, frames)
    return {name(table): len(frame) for table, frame in frames.items()}


def tables(archive: Archive) -> dict[type[DataFrameModel], pd.DataFrame]:
    """Every bundled table from the archive, not yet validated."""
    dated = results(archive)
    rows = distinct(joined(archive, dated))
    played = matches(dated, kickoffs(rows))
    return {
        Appearances: rows[columns(Appearances)],
        Availability: availability(archive),
        Fixtures: fixtures(archive, played),
        Matches: played,
        Players: players(rows),
        Teams: teams(archive, played),
    }


def check(wheel: Path) -> None:
    """Raises MatchdayError when the file is not there or not the published wheel."""
    try:
        found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    except OSError as why:
        raise MatchdayError(f"{wheel}: cannot be read ({why.strerror}); name the downloaded wheel") from None
    if found != SHA256:
        raise MatchdayError(f"{wheel}: sha256 is {found}, that of {PACKAGE} is {SHA256}; download it again")


def fetch(folder: Path) -> Path:
    """Download the wheel, without its dependencies, into the folder. Raises MatchdayError when that fails."""
    order = [*_pip(), "download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--quiet"]
    done = subprocess.run([*order, "--dest", str(folder), PACKAGE], capture_output=True, text=True, check=False)
    found = sorted(folder.glob("airsenal-*.whl"))
    if done.returncode or not found:
        said = (done.stderr.strip().splitlines() or ["nothing was downloaded"])[-1]
        raise MatchdayError(f"{PACKAGE} could not be fetched ({said}); {_BY_HAND}")
    return found[0]


_BY_HAND = f"download it by hand with 'pip download --no-deps {PACKAGE}' and pass it with --wheel PATH"


def _pip() -> list[str]:
    """A command that is pip: this interpreter's, or one that uv lends."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    beside = [Path(sys.executable).parent / "uv", *sorted(REPOSITORY.glob(".tools/**/uv"))]
    uv = shutil.which("uv") or next((str(one) for one in beside if one.is_file()), None)
    if uv is None:
        raise MatchdayError(f"neither pip nor uv is there to fetch {PACKAGE}; {_BY_HAND}")
    return [uv, "tool", "run", "--quiet", "pip"]
