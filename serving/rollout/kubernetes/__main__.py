"""The operator's process: `python -m serving.rollout.kubernetes`."""

import sys

from matchday import telemetry
from matchday.errors import MatchdayError
from serving.rollout.kubernetes.operator import Operator
from serving.rollout.kubernetes.settings import OperatorSettings


def main() -> int:
    """Run until told to stop. 2 for what a person must mend."""
    telemetry.start("matchday-rollout")
    try:
        Operator(OperatorSettings()).run()
    except MatchdayError as error:
        print(f"matchday rollout: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
