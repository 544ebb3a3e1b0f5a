"""Two server processes of this machine behind one Envoy."""

import time
from collections.abc import Callable
from pathlib import Path

from rollout.embedded.envoy import Envoy
from rollout.embedded.servers import LocalServers
from rollout.spec import FULL_WEIGHT
from rollout.splitter import Endpoints, Readiness, SplitError, Unsplittable
from serving.settings import ServingSettings
from serving.storage import StoredBundle

READY_SECONDS = 30.0
"""Time that a server of a version that was good has to come back."""
SILENT_SECONDS = 10.0
"""Time for which a candidate that was ready may be silent before it is given up."""
QUIET_SECONDS = 40.0
"""Time for which requests in flight hold up the end of their server: longer than any of them may take."""
POLL_SECONDS = 0.02


class EnvoySplitter:
    """Splits the requests of one service between two versions. Its processes outlive it: another finds them again."""

    limitations: tuple[str, ...] = (
        "It is one machine: a stable server that is killed answers nothing until the next round starts it again.",
        "A candidate that is killed fails its share of the requests until the next round takes it back.",
        "gRPC is not split: only HTTP goes through Envoy.",
        "/metrics is not to be had at the public port: each server is asked for its own.",
        "A server that was promoted calls itself canary in its metrics and its log until it is started anew.",
    )

    def __init__(
        self, folder: Path, get: Callable[[str], StoredBundle], host: str = "127.0.0.1", port: int = 8080
    ) -> None:
        """folder: of the service. get: the bundle of a version. host, port: where clients come."""
        folder.mkdir(parents=True, exist_ok=True)
        self.proxy = Envoy(folder, host, port, ServingSettings())
        self.servers = LocalServers(folder, get)
        self._silent_since: float | None = None

    def open(self, version: str) -> None:
        """Have a version serve every request, before a rollout begins. Raises MatchdayError when it cannot."""
        self.proxy.check()
        self._settle(version)

    def close(self) -> None:
        """End Envoy, once what is in flight is answered, and the servers."""
        self.proxy.stop()
        for version in self.servers.roster.ports:
            self.servers.end(version)

    def check(self, stable: str) -> None:
        """Raises Unsplittable when nothing serves here yet, or nothing could; what does is the champion as it began."""
        self.proxy.check()
        if not self.servers.roster.stable:
            raise Unsplittable("no version is served here yet")

    def deploy(self, version: str) -> None:
        """Start the server of a version beside the stable one."""
        roster, all_gone = self.servers.roster, not self.proxy.running
        self._revive()
        if roster.candidate not in ("", version):
            self._settle(roster.stable)
        if all_gone or not self.servers.ended(version):
            self.servers.start(version, "canary")

    def readiness(self) -> Readiness:
        """Whether the candidate's server answers; permanent once it ended, or was silent too long."""
        roster = self.servers.roster
        found = self.servers.readiness(roster.candidate)
        if found.ready or found.permanent:
            self._silent_since = time.monotonic() if found.ready else None
            return found
        silent = self._silent_since is not None and time.monotonic() - self._silent_since > SILENT_SECONDS
        return Readiness(False, found.reason, permanent=silent)

    def split(self, weight: int) -> bool:
        """Give the candidate its share; what was begun is ended where it began."""
        self._revive()
        roster = self.servers.roster
        if not roster.candidate:
            raise SplitError("there is no candidate to give requests to")
        return self.proxy.direct(roster.ports, {roster.stable: FULL_WEIGHT - weight, roster.candidate: weight})

    def endpoints(self) -> Endpoints:
        """The two servers."""
        roster = self.servers.roster
        canary = (self.servers.url(roster.candidate),) if roster.candidate else ()
        return Endpoints((self.servers.url(roster.stable),), canary)

    def promote(self, version: str) -> bool:
        """The candidate's server becomes the stable one, and the other is ended."""
        return self._settle(version)

    def withdraw(self, stable: str) -> bool:
        """All requests go to the version that was stable, and the candidate's server is ended."""
        return self._settle(stable)

    def _settle(self, version: str) -> bool:
        """One version has every request, and no other has a server. Whether that is so."""
        self._silent_since = None
        self.servers.start(version, "stable")
        self._await(version)
        ports, everything = self.servers.roster.ports, {version: FULL_WEIGHT}
        self.proxy.direct(ports, everything)
        self.servers.crown(version)
        for other in [other for other in ports if other != version]:
            self._quiet(other)
            self.servers.end(other)
        return self.proxy.direct(self.servers.roster.ports, everything)

    def _revive(self) -> None:
        """Start the stable server if it does not run: the machine was started anew, or somebody ended it."""
        stable = self.servers.roster.stable
        if not stable:
            raise SplitError("no version is served here yet")
        if not self.servers.running(stable):
            self.servers.start(stable, "stable")
            self._await(stable)

    def _await(self, version: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not (found := self.servers.readiness(version)).ready:
            if found.permanent or time.monotonic() > deadline:
                raise SplitError(f"version {version} does not serve: {found.reason}")
            time.sleep(POLL_SECONDS)

    def _quiet(self, version: str) -> None:
        """Wait until a version has no request left."""
        deadline = time.monotonic() + QUIET_SECONDS
        while self.proxy.active(version) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
