"""Rendered objects of the chart's examples and of the overlays."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from tests.charts.golden import golden
from tests.charts.rendering import EXAMPLES, OVERLAYS, documents, kind_and_name, masked, render

Document = dict[str, Any]
RENDERINGS = [*EXAMPLES, *(f"overlay-{overlay}" for overlay in OVERLAYS)]
everywhere = pytest.mark.parametrize("name", RENDERINGS)


@cache
def objects(name: str) -> list[Document]:
    """Everything that a example renders, or an overlay."""
    if name.startswith("overlay-"):
        return documents(golden(name).read_text())
    return documents(masked(render(name)))


def of_kind(name: str, kind: str) -> list[Document]:
    """The objects of one kind in a rendering."""
    return [each for each in objects(name) if each["kind"] == kind]


def pods(name: str) -> Iterator[tuple[Document, Document, dict[str, str]]]:
    """Object, pod spec and pod labels of whatever makes pods, KServe's kinds aside."""
    for each in objects(name):
        if each["kind"] == "Pod":
            yield each, each["spec"], each["metadata"]["labels"]
        elif each["kind"] in ("Deployment", "StatefulSet", "Job"):
            yield each, each["spec"]["template"]["spec"], each["spec"]["template"]["metadata"]["labels"]
        elif each["kind"] == "CronJob":
            template = each["spec"]["jobTemplate"]["spec"]["template"]
            yield each, template["spec"], template["metadata"]["labels"]


def containers(name: str) -> Iterator[tuple[str, Document]]:
    """Every container, KServe's and those that come first included."""
    for each, spec, _ in pods(name):
        made = [*spec.get("initContainers", []), *spec["containers"]]
        yield from ((kind_and_name(each), container) for container in made)
    for each in objects(name):
        if each["kind"] == "ServingRuntime":
            yield from ((kind_and_name(each), container) for container in each["spec"]["containers"])
        if each["kind"] == "ClusterStorageContainer":
            yield kind_and_name(each), each["spec"]["container"]


def variables(container: Document) -> dict[str, Any]:
    """The environment of a container; None for what is a reference."""
    return {each["name"]: each.get("value") for each in container["env"]}
