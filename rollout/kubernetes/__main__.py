"""The operator's process: `python -m rollout.kubernetes`."""

import os
import sys

from matchday import telemetry
from matchday.errors import MatchdayError
from rollout.kubernetes.operator import Operator
from rollout.kubernetes.settings import OperatorSettings

MLFLOW_TIMEOUTS = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "5", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
"""An MLflow that hangs delays a round only briefly, and no write beyond the lease: the next round asks again."""


def main() -> int:
    """Run until told to stop. Returns the exit code: 2 for an error that a person must mend."""
    for name, value in MLFLOW_TIMEOUTS.items():
        os.environ.setdefault(name, value)
    telemetry.start("matchday-rollout")
    try:
        Operator(OperatorSettings()).run()
    except MatchdayError as error:
        print(f"matchday rollout: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
