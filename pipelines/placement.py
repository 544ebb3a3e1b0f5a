"""Placement of steps on a cluster: their image, environment variables and writable folder."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from kfp import kubernetes
from kfp.dsl import PipelineTask

from matchday.commit import UNKNOWN, commit
from matchday.errors import MatchdayError

STATE = "/var/lib/matchday"
"""The one folder of the image that is written to; its HOME, TMPDIR and MATCHDAY_HOME."""

SETTINGS = (
    "MATCHDAY_LAKE",
    "MATCHDAY_TRACKING_URI",
    "MATCHDAY_FEAST_REGISTRY",
    "MATCHDAY_PROMOTION",
    "MATCHDAY_COLLECTED",
    "MATCHDAY_SOURCES",
    "MATCHDAY_FPL_URL",
    "MATCHDAY_FOOTBALL_DATA_UK_URL",
    "MATCHDAY_FOOTBALL_DATA_ORG_URL",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
)
"""Keys of the ConfigMap, each a variable."""

MAYBE = ("OTEL_EXPORTER_OTLP_ENDPOINT",)
"""Keys that the ConfigMap may lack. They are taken where the submitter has the variable itself."""

SECRETS = (
    "MATCHDAY_ONLINE_STORE",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
)
"""Keys of the Secret, each a variable."""

OF_SOURCES = ("MATCHDAY_FOOTBALL_DATA_TOKEN",)
"""Keys of the Secret of live sources, each a variable."""

REFERENCE = re.compile(
    r"([a-z0-9][a-z0-9.-]*(:\d+)?/)?[a-z0-9._-]+(/[a-z0-9._-]+)*"
    r"(:(?P<tag>\w[\w.-]{0,127}))?(@(?P<digest>sha256:[0-9a-f]{64}))?"
)
"""An image as a pod names it."""


class PlacementError(MatchdayError):
    """An image or environment that steps cannot run in."""


@dataclass(frozen=True)
class Placement:
    """Where the steps of a run find what they need.

    image: with a tag of its own or a digest. environment: the release whose ConfigMap `NAME-environment` and Secret
    `NAME-credentials` are the steps' variables. traceparent: the trace of steps that take none as an argument.
    sources_secret: the Secret with the token of live sources, for a pipeline that asks them; empty: none.
    """

    image: str
    environment: str
    traceparent: str = ""
    sources_secret: str = ""

    def __post_init__(self) -> None:
        """Raises PlacementError for an image whose name does not say which it is."""
        _check(self.image)

    def place(self, task: PipelineTask) -> None:
        """Give a task all of it. None of it but the image is part of what its results are cached by."""
        task.set_container_image(self.image)
        if self.traceparent:
            task.set_env_variable("TRACEPARENT", self.traceparent)
        settings = [*SETTINGS, *(name for name in MAYBE if os.environ.get(name))]
        kubernetes.use_config_map_as_env(task, f"{self.environment}-environment", _same(settings))
        kubernetes.use_secret_as_env(task, f"{self.environment}-credentials", _same(SECRETS))
        if self.sources_secret:
            kubernetes.use_secret_as_env(task, self.sources_secret, _same(OF_SOURCES))
        kubernetes.empty_dir_mount(task, volume_name="matchday-state", mount_path=STATE)
        _for_older_backends(task)


def tag_of_this_commit() -> str:
    """The tag that `make images` gives: twelve digits of the commit, `-dirty` behind them where it has changes."""
    sha, _, dirty = commit().partition("-")
    return sha[:12] + ("-dirty" if dirty else "")


def image_of_this_commit() -> str:
    """`matchday-pipeline` as `make images` names it. Raises PlacementError where there is no commit."""
    if (tag := tag_of_this_commit()) == UNKNOWN:
        raise PlacementError("no commit to name the image by: give --image NAME:TAG or set MATCHDAY_PIPELINE_IMAGE")
    return f"matchday-pipeline:{tag}"


def _check(image: str) -> None:
    found = REFERENCE.fullmatch(image)
    if found is None:
        raise PlacementError(f"{image!r} is no image: write NAME:TAG or NAME@sha256:DIGEST")
    if found["digest"] is None and found["tag"] in (None, "latest"):
        raise PlacementError(
            f"image {image} may be another tomorrow, and results are cached by its name: give a tag of its own or a "
            "digest"
        )


def _for_older_backends(task: PipelineTask) -> None:
    """Drop `optional: false`, which says nothing: KFP 2.14 refuses a pipeline with a field that it does not know."""
    config = task.platform_config["kubernetes"]
    for reference in (*config["configMapAsEnv"], *config["secretAsEnv"]):
        reference.pop("optional", None)


def _same(names: Iterable[str]) -> dict[str, str]:
    return {name: name for name in names}
