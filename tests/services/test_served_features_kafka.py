"""Predictions that a server sent to a real Kafka are compared with the offline store like those of a file."""

from pathlib import Path

import pytest

from feature_repo.served import verify_served
from matchday.events import EventsAddress
from tests.feature_repo.served_world import ServedWorld, pack
from tests.services.kafka import broker

pytestmark = pytest.mark.services

PAIRS = [("ARS", "LIV"), ("MCI", "EVE"), ("CHE", "TOT"), ("LIV", "ARS")]


def test_predictions_of_a_topic_are_verified(tmp_path: Path) -> None:
    """The server sends what waits before it ends, so all are there by then."""
    world = ServedWorld.make(tmp_path / "world")
    (tmp_path / "kafka").mkdir()
    with broker(tmp_path / "kafka") as kafka:
        log = EventsAddress.parse(f"kafka://{kafka.address}")
        with world.serving(pack(tmp_path / "bundle"), predictions=str(log)) as server:
            for home, away in PAIRS:
                server.forecast([home], [away])
        found = verify_served(world.settings, world.lake, log)
    assert (found.sampled, found.equal, found.differing) == (len(PAIRS), len(PAIRS), 0)
    assert not found.not_comparable
