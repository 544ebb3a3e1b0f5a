"""The images of the cluster test: of this checkout, stand-ins for the stores and Kafka, all brought into the nodes."""

import os
import shlex

from matchday.settings import REPOSITORY
from tests.cluster.shell import Failure, run

STAND_INS = ("redis", "postgres", "bucket", "kafka")
ENGINES = ("docker", "podman", "buildah")
LOADER = "kind load docker-image --name matchday {image}"
"""How an image gets into the nodes, unless `MATCHDAY_IMAGE_LOADER` says otherwise. A `BUILDER` that is a program of
its own, see scripts/builder.sh, has brought it there already."""

BUILD_SECONDS = 1500


def tag() -> str:
    """The tag of this checkout's images."""
    return run("sh", "scripts/images.sh", "tag", cwd=str(REPOSITORY)).strip()


def build() -> None:
    """Build everything. BASE and BUILDER of the environment are heeded as by `make images`."""
    run("sh", "scripts/images.sh", cwd=str(REPOSITORY), seconds=BUILD_SECONDS)
    run("sh", "tests/cluster/images/build.sh", cwd=str(REPOSITORY), seconds=BUILD_SECONDS)


def names() -> list[str]:
    """The images that the chart is told to use."""
    own = [f"matchday-{name}:{tag()}" for name in ("serving", "pipeline")]
    return [*own, *(f"matchday-{name}:test" for name in STAND_INS)]


def load() -> None:
    """Bring them into the nodes."""
    if os.environ.get("BUILDER", "docker") not in ENGINES:
        return
    loader = os.environ.get("MATCHDAY_IMAGE_LOADER", LOADER)
    for name in names():
        try:
            run(*(word.format(image=name) for word in shlex.split(loader)), seconds=300)
        except Failure as error:
            raise Failure(f"{name} did not get into the nodes ({error}): set MATCHDAY_IMAGE_LOADER") from None
