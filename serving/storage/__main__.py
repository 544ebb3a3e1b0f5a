"""The container of a KServe ClusterStorageContainer for `mlflow://`: `python -m serving.storage URI FOLDER`.

Exit codes: 0 when the bundle is in the folder, 2 for what a person must mend, 3 when the tracking server does
not answer or has no such version, which time may cure. The last line on stderr says which, and what to do.

A container that failed is started again ever more slowly, and one that runs shows in no status. So there is waiting
here, but only for what comes with a release: `MATCHDAY_STORAGE_WAIT_SECONDS` for the first training of a model, and
of these at most SILENCE_SECONDS for a server that does not answer. Anything else that is missing fails at once.

`MATCHDAY_STORAGE_PINNED` is the version that an alias stands for in this pod: the one that a rollout let in, wherever
the alias points by now. Empty, as where no rollout has been, the registry says what it stands for.
"""

import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from matchday.bundle import CONTENTS, SUMS, BundleError
from matchday.errors import MatchdayError
from matchday.settings import Settings
from matchday.signature import Signature
from serving.storage import SCHEME, Absent, StorageError, Unreachable, Untrained, open_registry

USAGE = "usage: python -m serving.storage mlflow://NAME/VERSION|mlflow://NAME@ALIAS FOLDER"
STAGE = ".matchday."
WAIT = "MATCHDAY_STORAGE_WAIT_SECONDS"
PINNED = "MATCHDAY_STORAGE_PINNED"
AGAIN_SECONDS = 2.0
SILENCE_SECONDS = 120.0


def main(arguments: list[str]) -> int:
    """Fetch and say what happened."""
    if len(arguments) != 2:
        print(USAGE, file=sys.stderr)
        return 2
    uri, folder = pinned(arguments[0], os.environ.get(PINNED, "")), Path(arguments[1])
    try:
        signature = awaited(uri, folder, float(os.environ.get(WAIT, "0")))
    except MatchdayError as error:
        print(f"matchday storage: {error}", file=sys.stderr)
        return 3 if isinstance(error, (Absent, Unreachable)) else 2
    print(f"{uri} is {signature.model} {signature.version}, verified in {folder}")
    return 0


def pinned(uri: str, version: str) -> str:
    """The URI with the version that its alias stands for in this pod; as it is without a version or an alias."""
    return re.sub(r"@[^@/]+$", f"/{version}", uri) if version else uri


def awaited(uri: str, folder: Path, seconds: float) -> Signature:
    """What `deliver` gives, or raises when it was not mended by waiting; each new reason to wait is printed."""
    heard = time.monotonic()
    last, said = heard + seconds, ""
    while True:
        try:
            return deliver(uri, folder, Settings().tracking_uri)
        except Untrained as error:
            heard = time.monotonic()
            reason: StorageError = error
            until = last
        except Unreachable as error:
            reason, until = error, min(last, heard + SILENCE_SECONDS)
        if time.monotonic() >= until:
            raise reason
        if said != (said := str(reason)):
            print(f"matchday storage waits: {reason}", file=sys.stderr, flush=True)
        time.sleep(AGAIN_SECONDS)


def deliver(uri: str, folder: Path, tracking_uri: str) -> Signature:
    """The bundle of `uri` in a folder that may be a mount, and so cannot be replaced as a whole.

    It is made whole in a folder within, then its files move up, the sums last: until then nothing there passes
    for a bundle. Raises StorageError, or BundleError when the folder cannot be written or holds other things.
    """
    if not uri.startswith(SCHEME):
        raise StorageError(f"{uri} is not a model URI: give mlflow://NAME/VERSION or mlflow://NAME@ALIAS")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _clear(folder)
        stage = Path(tempfile.mkdtemp(prefix=STAGE, dir=folder))
        try:
            signature = open_registry(tracking_uri).download(uri, stage / "bundle")
            (folder / SUMS).unlink(missing_ok=True)
            for name in (*CONTENTS, SUMS):
                os.replace(stage / "bundle" / name, folder / name)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    except OSError as error:
        raise BundleError(f"cannot write the bundle {folder}: {error.strerror or error}") from error
    return signature


def _clear(folder: Path) -> None:
    """Take away what an earlier attempt left; refuse a folder that is used for something else."""
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(STAGE):
            shutil.rmtree(entry)
        elif entry.name not in (*CONTENTS, SUMS) or entry.is_dir():
            raise BundleError(f"{folder} holds {entry.name}, which is not part of a bundle: give an empty folder")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
