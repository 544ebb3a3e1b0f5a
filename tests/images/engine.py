"""Container engines of this machine that have an image and can run it: Docker, Podman, buildah, containerd."""

import os
import shutil
import subprocess
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest

STATE = "/var/lib/matchday"
USER = "65532:65532"

# As root of this machine, with mounts, network and processes of its own: a container's folder, read-only but for a
# tmpfs.
CHROOT = """
set -e
root=$1 user=$2 state=$3
shift 3
ip link set lo up
mount --bind "$root" "$root"
mount -t tmpfs -o mode=0777 tmpfs "$root$state"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -o remount,ro,bind "$root"
cd "$root"
exec chroot --userspec="$user" "$root" /usr/bin/env -i "$@"
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
    """run(image, command..., user=USER, state=STATE): on a read-only root of which `state` alone can be written."""


def _docker(program: str) -> Engine:
    def run(image: str, *command: str, user: str = USER, state: str = STATE) -> CompletedProcess[str]:
        options = ["--rm", "--read-only", "--network", "none", "--user", user, "--cap-drop", "ALL"]
        options += ["--security-opt", "no-new-privileges", "--tmpfs", f"{state}:rw,mode=0777"]
        return call(program, "run", *options, "--entrypoint", command[0], image, *command[1:])

    return Engine(
        program,
        has=lambda image: call(program, "image", "inspect", image).returncode == 0,
        save=lambda image, file: call(program, "save", "--output", str(file), image, check=True),
        run=run,
    )


def _buildah() -> Engine:
    def run(image: str, *command: str, user: str = USER, state: str = STATE) -> CompletedProcess[str]:
        container = call("buildah", "from", "--pull-never", image, check=True).stdout.strip()
        try:
            root = call("buildah", "mount", container, check=True).stdout.strip()
            template = "{{range .OCIv1.Config.Env}}{{println .}}{{end}}"
            environment = call("buildah", "inspect", "--format", template, container, check=True).stdout.split("\n")
            isolate = [
                "unshare",
                "--mount",
                "--net",
                "--pid",
                "--fork",
                "--kill-child",
                "sh",
                "-c",
                CHROOT,
                "container",
                root,
                user,
                state,
            ]
            return call(*isolate, *filter(None, environment), *command)
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

    def run(image: str, *command: str, user: str = USER, state: str = STATE) -> CompletedProcess[str]:
        if user != USER:
            pytest.skip("ctr starts a container as the image's own user")
        uid, gid = user.split(":")
        options = ["--rm", "--read-only", "--mount"]
        options += [f"type=tmpfs,src=tmpfs,dst={state},options=rw:uid={uid}:gid={gid}"]
        return call("ctr", "run", *options, full(image), f"matchday-test-{uuid.uuid4().hex[:12]}", *command)

    return Engine(
        "ctr",
        has=lambda image: full(image) in call("ctr", "--connect-timeout", "1s", "images", "list", "-q").stdout.split(),
        save=lambda image, file: call("ctr", "images", "export", str(file), full(image), check=True),
        run=run,
    )


def engines() -> list[Engine]:
    """The engines that are installed; buildah and containerd need root."""
    found = [_docker(program) for program in ("docker", "podman") if shutil.which(program)]
    if os.geteuid() == 0:
        found += [_buildah()] if shutil.which("buildah") else []
        found += [_containerd()] if shutil.which("ctr") else []
    return found
