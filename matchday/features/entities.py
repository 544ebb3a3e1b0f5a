"""Entities and how long feature rows are valid. Feast's definitions and model signatures are both made from these."""

from dataclasses import dataclass

from matchday.durations import DAY
from matchday.signature import EntityInput, ViewRef


@dataclass(frozen=True)
class EntityKey:
    """An entity by its Feast join key. datatype: of the key in requests, BYTES for text or INT64."""

    join_key: str
    datatype: str
    description: str

    def named(self, name: str) -> EntityInput:
        """The request input of this name that names such entities."""
        return EntityInput(name, self.join_key, self.datatype)


TEAM = EntityKey("team", "BYTES", "Club, three letters: ARS.")
PLAYER = EntityKey("player", "INT64", "Player, FPL code.")

ENTITIES = (TEAM, PLAYER)

TTL_SECONDS = 120 * DAY
"""Age at which feature rows are out of date: longer than a summer, and than the pause of 2020."""


def view(name: str) -> ViewRef:
    """The feature view of this name."""
    return ViewRef(name, TTL_SECONDS)
