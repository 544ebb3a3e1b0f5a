"""Which one of several operators acts: the one that holds a Lease, and only while it surely does.

Time is told by each process's own clock: another's lease is over when it has not been renewed for its whole length as
seen from here (as client-go does it), and one's own counts for less than that length, less what a request may take.
So a write that was begun in time has ended before anybody else may begin.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from rollout.kubernetes.api import Api
from rollout.kubernetes.client import ApiError, Object
from rollout.kubernetes.kinds import LEASE
from rollout.store import Conflict

LENGTH = 30.0
"""Seconds after which a lease that nobody renews is anybody's."""
TRUSTED = 18.0
"""Seconds after its renewal in which its holder may begin to write: the length, less a request's longest."""
EVERY = 5.0
"""Seconds between renewals."""


class NotHolder(ApiError):
    """Another operator acts, or may act by now."""


class Lease:
    """A Lease by name. `hold` is called again and again; `check` before every write."""

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
        """Raises NotHolder when it may not."""
        if not self.held:
            raise NotHolder(f"{self._holder} does not hold the lease {self._name}")

    def hold(self) -> bool:
        """Take the lease, or renew it, where it is free or ours."""
        began = self._clock()
        try:
            if self._write(began):
                self._renewed = began
        except (ApiError, Conflict):
            return self.held
        return self.held

    def release(self) -> None:
        """Leave it to others at once. What was begun must have ended before."""
        if not self.held:
            return
        self._renewed = -LENGTH
        try:
            lease = self._api.get(LEASE, self._name)
            if lease["spec"].get("holderIdentity") == self._holder:
                self._api.replace(LEASE, {**lease, "spec": {**lease["spec"], "holderIdentity": ""}})
        except (ApiError, Conflict):
            return

    def _write(self, now: float) -> bool:
        lease = self._api.find(LEASE, self._name)
        if lease is None:
            self._api.create(LEASE, {"metadata": {"name": self._name}, "spec": self._spec({})})
            return True
        if not self._free(lease, now):
            return False
        self._api.replace(LEASE, {**lease, "spec": self._spec(lease["spec"])})
        return True

    def _free(self, lease: Object, now: float) -> bool:
        """Ours, nobody's, or not renewed for its whole length since it was first seen so."""
        holder = lease["spec"].get("holderIdentity") or ""
        if holder in ("", self._holder):
            return True
        record = lease["metadata"]["resourceVersion"]
        if record != self._seen[0]:
            self._seen = (record, now)
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
