"""Read the registry from a process that must not import MLflow: `python -m matchday.registry COMMAND`.

`resolve URI` prints the version that a model URI means now, as a JSON object with name, version and tags.
`download URI FOLDER` puts its verified bundle into the folder. The registry is the one at MATCHDAY_TRACKING_URI.
Exit code 2, with the reason as the last line on stderr, when it fails.
"""

import json
import sys
from pathlib import Path

from matchday.errors import MatchdayError
from matchday.registry import Registry
from matchday.settings import Settings

USAGE = "usage: python -m matchday.registry resolve URI | download URI FOLDER"


def main(arguments: list[str]) -> int:
    """Run one command. Returns the exit code."""
    try:
        match arguments:
            case ["resolve", uri]:
                found = Registry(Settings().tracking_uri).resolve(uri)
                print(json.dumps({"name": found.name, "version": found.version, "tags": dict(found.tags)}))
            case ["download", uri, folder]:
                Registry(Settings().tracking_uri).download(uri, Path(folder))
            case _:
                raise MatchdayError(USAGE)
    except MatchdayError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
