"""What a test needs of the machine: absent, it is skipped for a person and fails in CI.

from tests.services.requirements import executable, require

redis = executable("redis-server", package="redis-server")
require(port_is_free(6379), "port 6379 is taken")
"""

import os
import shutil

import pytest

# Read before the tests' own environment is made, which holds no setting of the caller.
CLUSTER_TEST = os.environ.get("MATCHDAY_CLUSTER_TEST") == "1"


def require(present: object, reason: str, *, demanded: bool = True) -> None:
    """Go on where `present` is true. Otherwise skip the test, or fail it where `CI=true` and it is `demanded`.

    Works inside a test, in a fixture, and at the top of a module.
    """
    if present:
        return
    if demanded and os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"CI must have it: {reason}", pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def executable(name: str, package: str) -> str:
    """Path of a program that the test starts; `package` is what installs it."""
    found = shutil.which(name)
    require(found, f"no {name} on this machine; install {package}")
    return str(found)
