"""`fetch` in a process of its own, for a server that must not import MLflow: `python -m serving.storage.apart URI`."""

import json
import subprocess
import sys
from pathlib import Path

from matchday.errors import MatchdayError
from matchday.settings import Settings
from serving.storage import StorageError, Stored, fetch

SECONDS = 300.0


def fetch_apart(uri: str) -> Stored:
    """What `fetch` gives with the settings of the environment. Raises StorageError with its reason."""
    command = [sys.executable, "-m", "serving.storage.apart", uri]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise StorageError(f"{uri} was not fetched within {SECONDS:g} s") from None
    if done.returncode != 0:
        raise StorageError(next(reversed(done.stderr.splitlines()), f"{uri} could not be fetched"))
    found = json.loads(done.stdout.splitlines()[-1])
    return Stored(Path(found["folder"]), found["name"], found["version"])


def main(uri: str) -> int:
    """Fetch, and print what came of it."""
    settings = Settings()
    try:
        stored = fetch(uri, settings.home, settings.tracking_uri)
    except MatchdayError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps({"folder": str(stored.folder), "name": stored.name, "version": stored.version}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
