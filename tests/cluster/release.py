"""The chart as a release in the test's namespace, by Helm."""

import json
from typing import Any

from matchday.settings import REPOSITORY
from tests.cluster.kube import Kube, ask_again
from tests.cluster.shell import Failure, need, run

NAME = "matchday"
CHART = str(REPOSITORY / "charts" / "matchday")
SMALL = str(REPOSITORY / "charts" / "matchday" / "ci" / "small-values.yaml")
KINDS = (
    "pods,services,deployments,statefulsets,jobs,cronjobs,configmaps,secrets,persistentvolumeclaims,inferenceservices"
)
DOCUMENTED = ("secret", "persistentvolumeclaim", "job.batch")
"""Kinds that docs/kubernetes.md says an uninstall leaves."""
PODS_END_SECONDS = 330
"""KServe gives a predictor's pod in Knative mode 300 s to end."""


class Release:
    """The release `matchday`."""

    def __init__(self, kube: Kube) -> None:
        self.kube = kube
        self.helm = need("helm")

    def __call__(self, *arguments: str, seconds: float = 120, given: str | None = None) -> str:
        """helm in the test's namespace."""
        return ask_again(
            lambda: run(self.helm, "--namespace", self.kube.namespace, *arguments, seconds=seconds, given=given)
        )

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
        self(
            "upgrade", NAME, CHART, "--reset-then-reuse-values", *sets, "--timeout", f"{seconds}s", seconds=seconds + 30
        )

    def revision(self) -> int:
        """The release's present revision."""
        return int(json.loads(self("history", NAME, "--max", "1", "--output", "json"))[-1]["revision"])

    def uninstall(self) -> list[str]:
        """Uninstall, and give the names of what is left in the namespace, beside pods of jobs and of `helm test`.

        Raises Failure where that is more than docs/kubernetes.md says, which leaves out what Kubernetes puts into
        every namespace.
        """
        self("uninstall", NAME, "--wait", "--timeout", "180s", seconds=200)
        self.kube.until(
            "the end of every pod", lambda: all(_ended(pod) for pod in self.kube.get("pods")["items"]), PODS_END_SECONDS
        )
        found = self.kube("get", KINDS, "--output", "name").split()
        left = sorted(name for name in found if not name.startswith("pod/") and name != "configmap/kube-root-ca.crt")
        if others := [name for name in left if name.partition("/")[0] not in DOCUMENTED]:
            raise Failure(f"helm uninstall leaves what docs/kubernetes.md does not name: {', '.join(others)}")
        return left


def _ended(pod: dict[str, Any]) -> bool:
    return pod["status"].get("phase") in ("Succeeded", "Failed") and "deletionTimestamp" not in pod["metadata"]
