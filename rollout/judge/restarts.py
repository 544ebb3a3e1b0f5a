"""Restarts of the candidate's servers: a crashed server counts none of its own errors."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Restarts:
    """Restarts of each candidate server, by its name. first: at its first read, 0 for one that came later. most: since.

    A server that was moved by a drain, or removed by an autoscaler, has not restarted: its name is gone, and another
    one begins at 0.
    """

    first: Mapping[str, int] = field(default_factory=dict)
    most: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def begin(cls, counts: Mapping[str, int]) -> "Restarts":
        """At the beginning of a window."""
        return cls(dict(counts), dict(counts))

    def begin_again(self) -> "Restarts":
        """At the beginning of the next window."""
        return self.begin(self.most)

    def add(self, counts: Mapping[str, int]) -> "Restarts":
        """With the counts of another read."""
        most = {name: max(self.most.get(name, 0), counts.get(name, 0)) for name in {**self.most, **counts}}
        return replace(self, most=most)

    @property
    def before(self) -> int:
        """Of the server that had restarted most often when the window began."""
        return max(self.first.values(), default=0)

    @property
    def within(self) -> int:
        """Of all servers since the window began."""
        return sum(count - self.first.get(name, 0) for name, count in self.most.items())
