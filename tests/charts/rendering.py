"""The chart and the overlays, rendered without a cluster."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.services.helm import commands

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "matchday"
SURROUNDINGS = ROOT / "k8s"
OVERLAYS = sorted(path.name for path in (SURROUNDINGS / "overlays").iterdir())
EXAMPLES = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml"))
PLATFORM = ("serving.kserve.io/v1beta1", "serving.knative.dev/v1", "keda.sh/v1alpha1", "gateway.networking.k8s.io/v1")
"""API versions of the cluster that is rendered for."""

GENERATED = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{32}(?![A-Za-z0-9])")
"""A generated password, which differs with each rendering."""


class Refused(Exception):
    """Helm refused to render; the message is its own."""


def render(
    example: str | None = None,
    major: int = 4,
    sets: Sequence[str] = (),
    platform: Sequence[str] = PLATFORM,
    release: str = "matchday",
    namespace: str = "matchday",
    flags: Sequence[str] = (),
) -> str:
    """The manifests of `helm template`. Raises Refused."""
    command = [str(commands(major).helm), "template", release, str(CHART), "--namespace", namespace]
    command += [*flags, *(f"--api-versions={each}" for each in platform)]
    command += [f"--values={CHART / 'ci' / example}-values.yaml"] if example else []
    command += [f"--set={each}" for each in sets]
    return _call(command)


def lint(example: str, major: int = 4) -> str:
    """The output of `helm lint --strict`. Raises Refused."""
    values = CHART / "ci" / f"{example}-values.yaml"
    return _call([str(commands(major).helm), "lint", "--strict", str(CHART), f"--values={values}"])


def inflate(overlay: str, folder: Path) -> str:
    """The manifests of an overlay, by `kubectl kustomize --enable-helm`, in a copy of what it needs below `folder`.

    kubectl 1.32 calls Helm 3: kustomize learnt to call Helm 4 in 5.8, which comes with kubectl 1.36.
    """
    shutil.copytree(SURROUNDINGS, folder / "k8s")
    shutil.copytree(CHART, folder / "charts" / "matchday")
    (folder / "k8s" / "overlays" / "dev" / "credentials.env").write_text(masked(credentials()))
    tools = commands(3)
    environ = {**os.environ, "PATH": f"{tools.helm.parent}:{os.environ['PATH']}"}
    return _call([str(tools.kubectl), "kustomize", "--enable-helm", str(folder / "k8s/overlays" / overlay)], environ)


def credentials() -> str:
    """The output of `k8s/credentials.sh`."""
    return _call(["sh", str(SURROUNDINGS / "credentials.sh")])


def masked(text: str) -> str:
    """The text with generated passwords replaced, so that renderings can be compared."""
    return GENERATED.sub("GENERATED", text)


def documents(text: str) -> list[dict[str, Any]]:
    """The objects of a rendering."""
    return [each for each in yaml.safe_load_all(text) if each]


def kind_and_name(document: Mapping[str, Any]) -> str:
    """Kind, namespace and name of an object, for messages."""
    return f"{document['kind']} {document['metadata'].get('namespace', '')}/{document['metadata']['name']}"


def _call(command: Sequence[str], environ: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    if done.returncode:
        raise Refused(done.stderr)
    return done.stdout
