"""Law 2 in process: whatever order, doubles and restarts, streamed features are those of the batch path."""

from pathlib import Path

import pytest

from matchday.events import RESULTS
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


def test_a_result_that_is_withdrawn_takes_the_newest_rows_back(place: Place) -> None:
    said = world.records(world.events(matches=30))
    play(place, said)
    last = world.events(matches=30)[-1]
    withdrawn = last[1]._replace(data={**last[1].data, "home_goals": None, "away_goals": None, "revision": 2})
    play(place, world.records([(last[0], withdrawn)]), restart=1)
    world.check_online(world.read_online(place.online), world.batch(matches=29))
    world.check_offline(place.lake, world.batch(matches=29))
    again = last[1]._replace(data={**last[1].data, "revision": 3})
    play(place, world.records([(last[0], again)]))
    world.check_online(world.read_online(place.online), world.batch(matches=30))
    world.check_offline(place.lake, world.batch(matches=30))


def test_a_match_that_was_earlier_than_first_said_moves_its_rows(place: Place) -> None:
    said = list(world.events(matches=30))
    topic, last = said[-1]
    wrong = last._replace(data={**last.data, "kickoff": "2024-09-20T19:00:00.000Z"})
    play(place, world.records([*said[:-1], (topic, wrong)]))
    play(place, world.records([(topic, last._replace(data={**last.data, "revision": 2}))]))
    world.check_online(world.read_online(place.online), world.batch(matches=30))
    world.check_offline(place.lake, world.batch(matches=30))


def test_a_late_correction_of_a_season_changes_the_one_behind_it(tmp_path: Path) -> None:
    lake = world.make_lake(tmp_path / "lake", ("2223",), ("2223", "2324", "2425"))
    place = Place(lake, tmp_path / "online.db", Letters())
    first, second = world.events("2324", 380), world.events("2425", 25)
    topic, corrected = next((topic, event) for topic, event in first if topic is RESULTS)
    wrong = corrected._replace(data={**corrected.data, "home_goals": 9, "revision": 0})
    play(place, world.records([(topic, wrong), *(one for one in first if one[1] is not corrected), *second]), 6000)
    world.check_online(world.read_online(place.online), world.batch(("2223", "2324", "2425"), 25, wrong=wrong.data))
    play(place, world.records([(topic, corrected)]), restart=1)
    world.check_online(world.read_online(place.online), world.batch(("2223", "2324", "2425"), 25))
    world.check_offline(place.lake, world.batch(("2223", "2324", "2425"), 25))
