"""KServe storage initializer for `mlflow://` URIs: `python -m serving.storage URI FOLDER`.

Exit codes: 0 when the bundle is in the folder, 2 for what a person must correct, 3 when the tracking server does not
answer or has no such version, which time may cure. The last line on stderr says which, and what to do.

Kubernetes restarts a failed container ever more slowly, and a waiting one shows in no status. So it waits only for what
a release brings along: `MATCHDAY_STORAGE_WAIT_SECONDS` for the first training of a model, and of these at most
SILENCE_SECONDS for a server that does not answer. Anything else that is missing fails at once.

`MATCHDAY_STORAGE_PINNED` is the version that an alias stands for in this pod: the one that a rollout let in, wherever
the alias points by now. Empty, as where no rollout was, the registry says what the alias stands for.
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
from serving.storage import SCHEME, Absent, FetchError, Unreachable, Untrained, open_registry

USAGE = "usage: python -m serving.storage mlflow://NAME/VERSION|mlflow://NAME@ALIAS FOLDER"
STAGING_PREFIX = ".matchday."
WAIT = "MATCHDAY_STORAGE_WAIT_SECONDS"
PINNED = "MATCHDAY_STORAGE_PINNED"
RETRY_SECONDS = 2.0
SILENCE_SECONDS = 120.0


def main(arguments: list[str]) -> int:
    """Deliver the bundle and say what happened. Returns the exit code."""
    if len(arguments) != 2:
        print(USAGE, file=sys.stderr)
        return 2
    uri, folder = pin_alias(arguments[0], os.environ.get(PINNED, "")), Path(arguments[1])
    try:
        signature = deliver_when_there(uri, folder, float(os.environ.get(WAIT, "0")))
    except MatchdayError as error:
        print(f"matchday storage: {error}", file=sys.stderr)
        return 3 if isinstance(error, (Absent, Unreachable)) else 2
    print(f"{uri} is {signature.model} {signature.version}, verified in {folder}")
    return 0


def pin_alias(uri: str, version: str) -> str:
    """The URI with its alias replaced by the version; as it is without a version or an alias."""
    return re.sub(r"@[^@/]+$", f"/{version}", uri) if version else uri


def deliver_when_there(uri: str, folder: Path, seconds: float) -> Signature:
    """Deliver, after waiting for the model's first training or a silent server; each new reason to wait is printed."""
    heard = time.monotonic()
    last, printed = heard + seconds, ""
    while True:
        try:
            return deliver(uri, folder, Settings().tracking_uri)
        except Untrained as error:
            heard = time.monotonic()
            reason: FetchError = error
            until = last
        except Unreachable as error:
            reason, until = error, min(last, heard + SILENCE_SECONDS)
        if time.monotonic() >= until:
            raise reason
        if printed != (printed := str(reason)):
            print(f"matchday storage waits: {reason}", file=sys.stderr, flush=True)
        time.sleep(RETRY_SECONDS)


def deliver(uri: str, folder: Path, tracking_uri: str) -> Signature:
    """Put the bundle of `uri` into a folder that may be a mount, and so cannot be replaced as a whole.

    The bundle is completed in a folder below, then its files move up, the sums last: until then the folder does not
    verify as a bundle. Raises FetchError, or BundleError when the folder cannot be written or holds other things.
    """
    if not uri.startswith(SCHEME):
        raise FetchError(f"{uri} is not a model URI: give mlflow://NAME/VERSION or mlflow://NAME@ALIAS")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _clear_staging(folder)
        staging = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=folder))
        try:
            signature = open_registry(tracking_uri).download(uri, staging / "bundle")
            (folder / SUMS).unlink(missing_ok=True)
            for name in (*CONTENTS, SUMS):
                os.replace(staging / "bundle" / name, folder / name)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise BundleError(f"cannot write the bundle {folder}: {error.strerror or error}") from error
    return signature


def _clear_staging(folder: Path) -> None:
    """Delete what an earlier attempt left. Raises BundleError for a folder that is used for something else."""
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(STAGING_PREFIX):
            shutil.rmtree(entry)
        elif entry.name not in (*CONTENTS, SUMS) or entry.is_dir():
            raise BundleError(f"{folder} holds {entry.name}, which is not part of a bundle: give an empty folder")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
