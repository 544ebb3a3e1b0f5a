"""Envoy splitter: two server processes of this machine behind one Envoy."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from matchday.telemetry import logger
from rollout.embedded.envoy import Envoy
from rollout.embedded.servers import LocalServers
from rollout.spec import FULL_WEIGHT
from rollout.splitter import Endpoints, Readiness, SplitError, Unsplittable
from serving.settings import ServingSettings
from serving.storage import StoredBundle

READY_SECONDS = 60.0
"""Time in which a server of a version known to be good must become ready."""
SILENT_SECONDS = 10.0
"""Time without an answer after which a candidate that was ready counts as failed."""
DRAIN_SECONDS = 40.0
"""Longest wait for requests in flight before their server is ended; longer than any of them may take."""
POLL_SECONDS = 0.02


class EnvoySplitter:
    """Splits the requests of one service between two versions. Another splitter of the folder finds its processes."""

    mirrors = True
    limitations: tuple[str, ...] = (
        "It is one machine: a stable server that is killed answers nothing until the next round. Then a candidate that "
        "has requests answers all of them until the stable server is started again.",
        "A candidate that is killed fails its share of the requests until the next round rolls it back.",
        "gRPC is not split: only HTTP goes through Envoy.",
        "/metrics is not served at the public port: ask each server for its own.",
        "A promoted server calls itself canary in its metrics and its log until it is restarted.",
    )

    def __init__(
        self,
        folder: Path,
        get_bundle: Callable[[str], StoredBundle],
        host: str = "127.0.0.1",
        port: int = 8080,
    ) -> None:
        """folder: of the service. get_bundle: the bundle of a version. host, port: where clients connect."""
        folder.mkdir(parents=True, exist_ok=True)
        self.envoy = Envoy(folder, host, port, ServingSettings())
        self.servers = LocalServers(folder, get_bundle)
        self._last_ready: float | None = None

    def open(self, version: str) -> None:
        """Have a version answer every request, before a rollout begins. Raises MatchdayError when it cannot."""
        self.envoy.check()
        self._serve_only(version)

    def close(self) -> None:
        """End Envoy, once requests in flight are answered, and the servers."""
        self.envoy.stop()
        for version in self.servers.table.ports:
            self.servers.end(version)

    def check(self, stable: str) -> None:
        """Raises Unsplittable when Envoy cannot run here or nothing is served yet; `open` has served `stable`."""
        self.envoy.check()
        if not self.servers.table.stable:
            raise Unsplittable("no version is served here yet")

    def deploy(self, version: str) -> None:
        """Start the server of a version beside the stable one."""
        table, machine_restarted = self.servers.table, not self.envoy.is_running
        self._ensure_stable()
        if table.candidate not in ("", version):
            self._serve_only(table.stable)
        if machine_restarted or not self.servers.has_ended(version):
            self.servers.start(version, "canary")

    def readiness(self) -> Readiness:
        """Whether the candidate's server answers; permanent once it ended, or has not answered for too long."""
        readiness = self.servers.readiness(self.servers.table.candidate)
        if readiness.ready or readiness.permanent:
            self._last_ready = time.monotonic() if readiness.ready else None
            return readiness
        silent = self._last_ready is not None and time.monotonic() - self._last_ready > SILENT_SECONDS
        return Readiness(False, readiness.reason, permanent=silent)

    def serving(self) -> Readiness:
        """Whether the candidate's server answers, or the stable one where there is no other."""
        table = self.servers.table
        return self.servers.readiness(table.candidate or table.stable)

    def split(self, weight: int, mirror: int = 0) -> bool:
        """Send the candidate its share of the requests; requests in flight end where they began."""
        self._ensure_stable()
        table = self.servers.table
        if not table.candidate:
            raise SplitError("there is no candidate to send requests to")
        weights = {table.stable: FULL_WEIGHT - weight, table.candidate: weight}
        return self.envoy.route(table.ports, weights, {table.candidate: mirror})

    def endpoints(self) -> Endpoints:
        """URLs of the two servers."""
        table = self.servers.table
        canary = (self.servers.url(table.candidate),) if table.candidate else ()
        return Endpoints((self.servers.url(table.stable),), canary)

    def restarts(self, promoted: bool = False) -> Mapping[str, int]:
        """Restarts of the candidate's server, or of the stable one, by its name; nothing while there is none."""
        version = self.servers.table.stable if promoted else self.servers.table.candidate
        return {f"server-{version}": self.servers.restarts(version)} if version else {}

    def promote(self, version: str) -> bool:
        """Make the candidate's server the stable one, and end the other."""
        return self._serve_only(version)

    def roll_back(self, stable: str) -> bool:
        """Send all requests to the version `stable`, and end the candidate's server."""
        return self._serve_only(stable)

    def _serve_only(self, version: str) -> bool:
        """Send every request to one version and end all other servers. Returns whether that is in force."""
        self._last_ready = None
        self.servers.start(version, "stable")
        self._await_ready(version)
        ports, weights = self.servers.table.ports, {version: FULL_WEIGHT}
        self.envoy.route(ports, weights)
        self.servers.set_stable(version)
        for other in [other for other in ports if other != version]:
            self._drain(other)
            self.servers.end(other)
        return self.envoy.route(self.servers.table.ports, weights)

    def _ensure_stable(self) -> None:
        """Start the stable server if it does not run: the machine was restarted, or somebody ended it."""
        stable = self.servers.table.stable
        if not stable:
            raise SplitError("no version is served here yet")
        if not self.servers.is_running(stable):
            self._lend_to_candidate()
            self.servers.start(stable, "stable")
            self._await_ready(stable)

    def _lend_to_candidate(self) -> None:
        """Send all requests to a candidate that has some, until `split` gives the stable server its share again."""
        table, envoy = self.servers.table, self.envoy
        candidate = table.candidate
        if candidate and envoy.is_running and envoy.weight(candidate) and self.servers.readiness(candidate).ready:
            logger("rollout").warning("the stable server has ended: the candidate answers", version=candidate)
            envoy.route(table.ports, {candidate: FULL_WEIGHT})

    def _await_ready(self, version: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not (readiness := self.servers.readiness(version)).ready:
            if readiness.permanent or time.monotonic() > deadline:
                raise SplitError(f"version {version} does not serve: {readiness.reason}")
            time.sleep(POLL_SECONDS)

    def _drain(self, version: str) -> None:
        """Wait until a version has no request in flight."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while self.envoy.in_flight(version) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
