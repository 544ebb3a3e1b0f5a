"""A copy of one of the release's Jobs, with wrong environment variables."""

from dataclasses import dataclass
from typing import Any

from tests.cluster.kube import Kube
from tests.cluster.release import NAME

WAIT_SECONDS = "3"


@dataclass(frozen=True)
class Job:
    """A Job that has to fail."""

    kube: Kube
    name: str

    def failed(self) -> bool:
        """Whether it has failed and is not tried again."""
        conditions = self.kube.get("job", self.name)["status"].get("conditions", [])
        return any(each["type"] == "Failed" and each["status"] == "True" for each in conditions)

    def attempts(self) -> int:
        """Pods that it has had."""
        return len(self.kube.pods(f"batch.kubernetes.io/job-name={self.name}"))

    def log(self) -> list[str]:
        """Lines of one attempt."""
        return self.kube("logs", f"job/{self.name}").splitlines()


def again(kube: Kube, part: str, name: str, environ: dict[str, str], **spec: Any) -> Job:
    """The Job NAME-PART of the release under another name, with other variables, and three seconds to wait.

    It has the release's account: that of a Job which runs before upgrades is gone once that has succeeded.
    spec: other fields of the Job's own specification.
    """
    like = kube.get("job", f"{NAME}-{part}")
    template = like["spec"]["template"]
    labels = {key: text for key, text in template["metadata"]["labels"].items() if key.startswith("app.")}
    template["spec"] |= {"serviceAccount": NAME, "serviceAccountName": NAME}
    [container] = template["spec"]["containers"]
    others = [each for each in container.get("env", []) if each["name"] not in environ]
    container["env"] = [*others, *({"name": key, "value": value} for key, value in environ.items())]
    container["args"][-1] = WAIT_SECONDS
    kept = {key: like["spec"][key] for key in ("backoffLimit", "podFailurePolicy") if key in like["spec"]}
    new = {**kept, **spec, "template": {"metadata": {"labels": labels}, "spec": template["spec"]}}
    kube.apply({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "labels": labels}, "spec": new})
    return Job(kube, name)
