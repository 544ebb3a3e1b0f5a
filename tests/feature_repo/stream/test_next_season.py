"""A season that is streamed after another one begins with what the facts of that one say."""

from pathlib import Path

from tests.feature_repo.stream import world
from tests.feature_repo.stream.world import PAST, SEASON, Letters, Place

FIRST = "2223"


def test_two_seasons_that_are_streamed_one_after_the_other(tmp_path: Path) -> None:
    place = Place(
        world.make_lake(tmp_path / "lake", (FIRST,), (FIRST, *PAST, SEASON)), tmp_path / "online.db", Letters()
    )
    processor = place.processor()
    processor.start()
    for season, matches in ((PAST[0], 380), (SEASON, 40)):
        processor.process(world.records(world.events(season, matches)))
        processor.write_features()
    processor.flush()
    expected = world.batch((FIRST, *PAST, SEASON), 40)
    world.check_online(world.read_online(place.online), expected)
    world.check_offline(place.lake, expected)
    world.check_offline(place.lake, world.batch((FIRST, *PAST)), PAST[0])
