"""Lease: of several operators only its holder acts, and only while it surely holds it.

Times are measured by each process's own clock. A lease of another process has expired when it was not renewed for its
whole length as seen from here, as in client-go. One's own lease counts for less: its length minus the longest time of
a request. So a write that begins in time has ended before another process may begin one.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from rollout.kubernetes.api import Api
from rollout.kubernetes.client import ApiError, Object
from rollout.kubernetes.kinds import LEASE
from rollout.store import Conflict

LENGTH = 30.0
"""Seconds without renewal after which a lease expires."""
TRUSTED = 18.0
"""Seconds after its renewal in which the holder may begin to write: the length minus the longest request."""
RENEWAL_SECONDS = 5.0
"""Between two renewals."""


class NotHolder(ApiError):
    """Another operator acts, or may act by now."""


class Lease:
    """A Lease by name. Call `hold` repeatedly, and `check` before every write."""

    def __init__(self, api: Api, name: str, holder: str, clock: Callable[[], float] = time.monotonic) -> None:
        """holder: the name of this process, unlike any other's."""
        self._api = api
        self._name = name
        self._holder = holder
        self._clock = clock
        self._renewed = -LENGTH
        self._seen = ("", -LENGTH)

    @property
    def held(self) -> bool:
        """Whether this process may write now."""
        return self._clock() - self._renewed < TRUSTED

    def check(self) -> None:
        """Raises NotHolder when this process may not write."""
        if not self.held:
            raise NotHolder(f"{self._holder} does not hold the lease {self._name}")

    def hold(self) -> bool:
        """Take or renew the lease where it is free or ours. Returns whether it is held."""
        began = self._clock()
        try:
            if self._renew(began):
                self._renewed = began
        except (ApiError, Conflict):
            return self.held
        return self.held

    def release(self) -> None:
        """Free the lease for others at once. All writes must have ended before."""
        if not self.held:
            return
        self._renewed = -LENGTH
        try:
            lease = self._api.get(LEASE, self._name)
            if lease["spec"].get("holderIdentity") == self._holder:
                self._api.replace(LEASE, {**lease, "spec": {**lease["spec"], "holderIdentity": ""}})
        except (ApiError, Conflict):
            return

    def _renew(self, now: float) -> bool:
        lease = self._api.find(LEASE, self._name)
        if lease is None:
            self._api.create(LEASE, {"metadata": {"name": self._name}, "spec": self._spec({})})
            return True
        if not self._is_free(lease, now):
            return False
        self._api.replace(LEASE, {**lease, "spec": self._spec(lease["spec"])})
        return True

    def _is_free(self, lease: Object, now: float) -> bool:
        """Whether it is ours, nobody's, or was not renewed for its whole length since this version was first seen."""
        holder = lease["spec"].get("holderIdentity") or ""
        if holder in ("", self._holder):
            return True
        version = lease["metadata"]["resourceVersion"]
        if version != self._seen[0]:
            self._seen = (version, now)
        return now - self._seen[1] >= max(LENGTH, float(lease["spec"].get("leaseDurationSeconds") or 0))

    def _spec(self, before: Object) -> Object:
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        same = before.get("holderIdentity") == self._holder
        return {
            "holderIdentity": self._holder,
            "leaseDurationSeconds": int(LENGTH),
            "acquireTime": before.get("acquireTime", now) if same else now,
            "renewTime": now,
            "leaseTransitions": int(before.get("leaseTransitions") or 0) + (not same),
        }
