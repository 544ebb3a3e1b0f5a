"""What holds built images on this machine and runs containers of them: Docker, Podman, buildah, or containerd."""

import os
import shutil
import subprocess
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

STATE = "/var/lib/matchday"
USER = "65532:65532"

# As root of this machine, in a mount namespace of its own: a container's folder, read-only but for a tmpfs.
CHROOT = """
root=$1; shift
mount --bind "$root" "$root"
mount -t tmpfs -o mode=0700,uid=65532,gid=65532 tmpfs "$root$STATE"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -o remount,ro,bind "$root"
cd "$root"
exec chroot --userspec="$USER" "$root" /usr/bin/env -i "$@"
"""


def call(*command: str, check: bool = False) -> CompletedProcess[str]:
    """A command that ends by itself, its output kept."""
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=check)


@dataclass(frozen=True)
class Engine:
    """A store of images, and a way to run one."""

    name: str
    has: Callable[[str], bool]
    save: Callable[[str, Path], object]
    run: Callable[..., CompletedProcess[str]]
    """run(image, command...) starts as 65532 on a read-only root with STATE writable."""


def _docker(program: str) -> Engine:
    def run(image: str, *command: str) -> CompletedProcess[str]:
        options = ["--rm", "--read-only", "--network", "none", "--user", USER, "--cap-drop", "ALL"]
        options += ["--security-opt", "no-new-privileges", "--tmpfs", f"{STATE}:rw,mode=0777"]
        return call(program, "run", *options, "--entrypoint", command[0], image, *command[1:])

    return Engine(
        program,
        has=lambda image: call(program, "image", "inspect", image).returncode == 0,
        save=lambda image, file: call(program, "save", "--output", str(file), image, check=True),
        run=run,
    )


def _buildah() -> Engine:
    def run(image: str, *command: str) -> CompletedProcess[str]:
        container = call("buildah", "from", "--pull-never", image, check=True).stdout.strip()
        try:
            root = call("buildah", "mount", container, check=True).stdout.strip()
            template = "{{range .OCIv1.Config.Env}}{{println .}}{{end}}"
            environment = call("buildah", "inspect", "--format", template, container, check=True).stdout.split("\n")
            script = f"set -e; STATE={STATE} USER={USER}{CHROOT}"
            settings = [entry for entry in environment if entry]
            return call("unshare", "--mount", "sh", "-c", script, "container", root, *settings, *command)
        finally:
            call("buildah", "rm", container)

    return Engine(
        "buildah",
        has=lambda image: call("buildah", "inspect", "--type", "image", image).returncode == 0,
        save=lambda image, file: call("buildah", "push", "--quiet", image, f"docker-archive:{file}", check=True),
        run=run,
    )


def _containerd() -> Engine:
    def full(image: str) -> str:
        return f"docker.io/library/{image}"

    def run(image: str, *command: str) -> CompletedProcess[str]:
        options = ["--rm", "--read-only", "--user", USER, "--mount"]
        options += [f"type=tmpfs,src=tmpfs,dst={STATE},options=rw:mode=0777"]
        return call("ctr", "run", *options, full(image), f"matchday-test-{uuid.uuid4().hex[:12]}", *command)

    return Engine(
        "ctr",
        has=lambda image: full(image) in call("ctr", "images", "list", "-q").stdout.split(),
        save=lambda image, file: call("ctr", "images", "export", str(file), full(image), check=True),
        run=run,
    )


def engines() -> list[Engine]:
    """Those that are here and may be asked; buildah and containerd want root."""
    found = [_docker(program) for program in ("docker", "podman") if shutil.which(program)]
    if os.geteuid() == 0:
        found += [_buildah()] if shutil.which("buildah") else []
        found += [_containerd()] if shutil.which("ctr") else []
    return found
