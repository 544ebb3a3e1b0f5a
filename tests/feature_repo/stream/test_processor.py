"""Law 2 in process: whatever order, doubles and restarts, streamed features are those of the batch path."""

from pathlib import Path

import pytest

from tests.feature_repo.stream import world
from tests.feature_repo.stream.world import Letters, Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(world.make_lake(tmp_path / "lake"), tmp_path / "online.db", Letters())


def play(place: Place, records: list, size: int = 700, restart: int = 0) -> None:
    processor = place.processor()
    for number, at in enumerate(range(0, len(records), size)):
        processor.process(records[at : at + size])
        if number % 3 == 0:
            processor.flush()
        elif number % 3 == 1:
            processor.write_features()
        if restart and number % restart == restart - 1:
            processor = place.processor()
            processor.start()
    processor.flush()


def test_a_season_in_order(place: Place) -> None:
    play(place, world.records(world.events()))
    world.check_offline(place.lake, world.batch())
    world.check_online(world.read_online(place.online), world.batch())
    assert not place.letters
