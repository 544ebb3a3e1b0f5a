"""Local runs of pipelines: KFP's local runner, each step a process of this environment."""

import hashlib
import io
import logging
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from kfp import local

from matchday import telemetry
from matchday.errors import MatchdayError
from matchday.lake import Lake
from matchday.settings import REPOSITORY, Settings

ROOMS = ("matchday", "feature_repo", "components", "pipelines")
"""Folders whose sources make a step's result; a change in them makes its cached results void."""
CACHES = 3
"""Caches of former sources that are kept."""
RUNS = 20
"""Runs of one cache whose artifacts are kept. A result of an older one is made anew when it is asked for."""


class RunError(MatchdayError):
    """A local run failed."""


class _Lines(io.TextIOBase):
    """A text stream that hands on whole lines."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        self._hear, self._rest = hear, ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._hear(line)
        return len(text)


def run(pipeline: Callable[..., Any], hear: Callable[[str], None], **arguments: str) -> None:
    """Run a pipeline to its end; results of unchanged steps come from the cache.

    hear is told every line that the runner and the steps print. Raises RunError when a step fails.
    """
    settings = Settings()
    cache = _cache(settings)
    with warnings.catch_warnings(), _trace_in_environment(), _forward_log(hear), redirect_stdout(_Lines(hear)):
        warnings.filterwarnings("ignore", module=r"kfp\.local")
        local.init(
            local.SubprocessRunner(use_venv=False),
            pipeline_root=str(cache / "artifacts"),
            enable_caching=True,
            cache_root=str(cache / "entries"),
        )
        try:
            pipeline(**arguments)
        except RuntimeError as error:
            raise RunError(f"the run stopped: {str(error).strip().splitlines()[0]}") from error


def sources() -> str:
    """Fingerprint of the code that steps run and of the locked dependencies."""
    digest = hashlib.sha256()
    files = [file for room in ROOMS for kind in ("*.py", "*.yaml") for file in (REPOSITORY / room).rglob(kind)]
    for file in sorted([*files, REPOSITORY / "uv.lock"]):
        if file.is_file():
            digest.update(f"{file.relative_to(REPOSITORY)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def _cache(settings: Settings) -> Path:
    """The cache of these sources over this lake; older ones beyond `CACHES`, and its older runs, are taken away."""
    root = settings.home.resolve() / "pipelines"
    chosen = root / f"{sources()}-{Lake(settings.lake).identity()[:12]}"
    (chosen / "artifacts").mkdir(parents=True, exist_ok=True)
    os.utime(chosen)
    _sweep(root, CACHES)
    _sweep(chosen / "artifacts", RUNS)
    return chosen


def _sweep(folder: Path, kept: int) -> None:
    """Take away all folders of a folder but the latest."""
    for old in sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime, reverse=True)[kept:]:
        shutil.rmtree(old, ignore_errors=True)


class _Messages(logging.Handler):
    """Passes log messages to a function."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._hear = hear

    def emit(self, record: logging.LogRecord) -> None:
        self._hear(record.getMessage())


@contextmanager
def _forward_log(hear: Callable[[str], None]) -> Iterator[None]:
    """Pass root log messages to `hear`: only there the runner says that a result came from the cache."""
    root, handler = logging.getLogger(), _Messages(hear)
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


@contextmanager
def _trace_in_environment() -> Iterator[None]:
    """Put the current span into the environment, where the steps' processes find it."""
    before = os.environ.get("TRACEPARENT")
    if now := telemetry.traceparent():
        os.environ["TRACEPARENT"] = now
    try:
        yield
    finally:
        os.environ.pop("TRACEPARENT", None)
        if before is not None:
            os.environ["TRACEPARENT"] = before
