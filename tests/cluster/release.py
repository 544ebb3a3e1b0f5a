"""The chart as a release in the test's namespace, by Helm."""

import json
from typing import Any

from matchday.settings import REPOSITORY
from tests.cluster.kube import Kube
from tests.cluster.shell import need, run

NAME = "matchday"
CHART = str(REPOSITORY / "charts" / "matchday")
SMALL = str(REPOSITORY / "charts" / "matchday" / "ci" / "small-values.yaml")


class Release:
    """The release `matchday`."""

    def __init__(self, kube: Kube) -> None:
        self.kube = kube
        self.helm = need("helm")

    def __call__(self, *arguments: str, seconds: float = 120, given: str | None = None) -> str:
        """helm in the test's namespace."""
        return run(self.helm, "--namespace", self.kube.namespace, *arguments, seconds=seconds, given=given)

    def install(self, values: dict[str, Any], seconds: int) -> None:
        """Install or upgrade; Helm waits for the hooks: stores, registry, features, champion."""
        self(
            *("upgrade", "--install", NAME, CHART, "--values", SMALL, "--values", "-", "--timeout", f"{seconds}s"),
            seconds=seconds + 30,
            given=json.dumps(values),
        )

    def set(self, *values: str, seconds: int = 300) -> None:
        """Change values of the release, keeping the others."""
        sets = [part for value in values for part in ("--set", value)]
        self("upgrade", NAME, CHART, "--reuse-values", *sets, "--timeout", f"{seconds}s", seconds=seconds + 30)

    def revision(self) -> int:
        """The release's present revision."""
        return int(json.loads(self("history", NAME, "--max", "1", "--output", "json"))[-1]["revision"])
