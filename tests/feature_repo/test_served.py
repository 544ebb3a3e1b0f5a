"""What was served is what the offline store holds, value by value; whatever is not is found."""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as some

from feature_repo import served
from feature_repo.served import DEGRADED, GIVEN, MALFORMED, UNKNOWN, UNSTATED, NotComparable, read_vector, verify_served
from matchday.tables import TeamRatings
from tests.feature_repo.served_world import LATE_KICKOFF, SPRING, Asked, ServedWorld, pack
from tests.league import WITH_FORM

pytestmark = pytest.mark.services

TEAMS = ("ARS", "LIV", "MCI", "CHE", "TOT", "EVE", "NEW", "AVL")
PAIRS = [(home, away) for home in TEAMS for away in TEAMS if home != away]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tmp_path_factory.mktemp("bundle") / "match-outcome")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> ServedWorld:
    return ServedWorld.make(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def asked(world: ServedWorld, bundle: Path) -> Iterator[Asked]:
    """The server, after half a hundred forecasts of two kinds."""
    with world.serving(bundle) as server:
        for home, away in PAIRS[:30]:
            server.forecast([home], [away])
        server.forecast(*map(list, zip(*PAIRS[30:], strict=True)), LATE_KICKOFF, name="batch")
        world.wait_for(len(PAIRS))
        yield server


def verify(world: ServedWorld, **options: Any) -> served.VerifiedPredictions:
    return verify_served(world.settings, world.lake, world.log, **options)


def test_everything_that_was_served_is_what_the_offline_store_holds(world: ServedWorld, asked: Asked) -> None:
    found = verify(world)
    assert (found.sampled, found.equal, found.differing, found.share) == (len(PAIRS), len(PAIRS), 0, 0.0)
    assert not found.not_comparable and not found.differences
    logged = world.logged()
    assert {data["feature_service"] for data in logged} == {"match_outcome_v1"}
    assert all(len(data["feature_times"]) == 4 and None not in data["feature_times"].values() for data in logged)
    expired = [data["expired_rows"] for data in logged]
    assert expired == [[]] * 30 + [list(logged[0]["feature_times"])] * len(PAIRS[30:])


def test_a_sample_is_random_and_of_the_size_asked_for(world: ServedWorld, asked: Asked) -> None:
    since = datetime.fromisoformat(world.logged()[30]["time"])
    found = verify(world, sample=5, since=since, seed=3)
    assert (found.sampled, found.equal) == (5, 5)
    assert verify(world, since=datetime.fromisoformat("2100-01-01T00:00:00Z")).sampled == 0


def test_a_value_changed_online_and_one_changed_in_the_log_are_found_and_degraded_ones_are_left_out(
    bundle: Path, tmp_path: Path
) -> None:
    world = ServedWorld.make(tmp_path)
    file = world.settings.online_file
    with world.serving(bundle) as server:
        server.forecast(["ARS"], ["LIV"], name="first")
        server.forecast(["MCI"], ["EVE"], name="second")
        change_online_value(file)
        server.forecast(["ARS"], ["LIV"], name="tampered")
        hidden = file.rename(file.with_name("hidden.db"))
        assert server.forecast(["ARS"], ["LIV"], name="degraded")["parameters"]["degraded"] is True
        server.raw([[1.0] * len(WITH_FORM.features)])
        hidden.rename(file)
        world.wait_for(5)
    features = world.logged()[1]["features"]
    world.rewrite(1, {"features": features | {"away_points_5": features["away_points_5"] + 0.2}})
    found = verify(world)
    assert (found.sampled, found.equal, found.differing, found.share) == (5, 1, 2, 2 / 3)
    assert found.not_comparable == {DEGRADED: 1, GIVEN: 1}
    second, tampered = found.differences
    assert (second.request_id, second.feature) == ("second", "away_points_5")
    assert second.served == pytest.approx(second.batch + 0.2)
    assert (tampered.request_id, tampered.feature, tampered.served) == ("tampered", "home_elo", 1234.5)
    ratings = world.lake.read(TeamRatings)
    known = ratings[(ratings["team"] == "ARS") & (ratings["event_time"] <= SPRING)]
    assert tampered.batch == pytest.approx(known["elo"].iloc[-1], rel=1e-7)


def change_online_value(file: Path) -> None:
    """Make Arsenal's Elo rating another one, behind the feature store's back."""
    from feast.protos.feast.types.Value_pb2 import Value

    with sqlite3.connect(file) as connection:
        changed = connection.execute(
            "UPDATE matchday_team_ratings SET value = ? WHERE feature_name = 'elo' AND instr(entity_key, ?)",
            (Value(double_val=1234.5).SerializeToString(), b"ARS"),
        )
        assert changed.rowcount == 1
    connection.close()


@pytest.fixture
def data(world: ServedWorld, asked: Asked) -> dict[str, Any]:
    return world.logged()[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"degraded": True}, DEGRADED),
        ({"entities": {}}, GIVEN),
        ({"feature_times": None}, MALFORMED),
        ({"feature_service": "match_outcome_v9"}, UNKNOWN),
        ({"features": {"home_moon": 1.0}}, UNKNOWN),
        ({"entities": {"home": "ARS"}}, MALFORMED),
        ({"feature_times": {"home.team_form": "yesterday"}}, MALFORMED),
        ({"kickoff": None}, MALFORMED),
        ({"features": {"home_elo": "high"}}, MALFORMED),
        ({"features": {}}, MALFORMED),
        ({"entities": {"home": 1, "away": 2}}, MALFORMED),
        ({"kickoff": "9999-12-31T00:00:00Z"}, MALFORMED),
    ],
)
def test_what_says_too_little_is_not_compared(data: dict[str, Any], change: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotComparable) as why:
        read_vector(data | change)
    assert why.value.reason == reason


@pytest.mark.parametrize("broken", [None, [], "text", {}, {"degraded": False, "entities": [1], "feature_times": 1}])
def test_what_is_no_prediction_is_not_compared(broken: Any) -> None:
    with pytest.raises(NotComparable) as why:
        read_vector(broken)
    assert why.value.reason == MALFORMED


JSON = some.recursive(
    some.none() | some.booleans() | some.floats() | some.integers() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@given(drawn=some.data())
def test_whatever_is_in_a_log_is_compared_or_left_out(data: dict[str, Any], drawn: some.DataObject) -> None:
    """One field of a prediction, or one of its maps, is anything that JSON can hold."""
    field = drawn.draw(some.sampled_from(sorted(data)))
    inner = data[field]
    if isinstance(inner, dict) and inner and drawn.draw(some.booleans()):
        broken = data | {field: inner | {drawn.draw(some.sampled_from(sorted(inner))): drawn.draw(JSON)}}
    else:
        broken = data | {field: drawn.draw(JSON)}
    found = None
    with suppress(NotComparable):
        found = read_vector(broken)
    assert found is None or (found.refs and all(isinstance(key, str) for key, _ in found.places.values()))


def test_the_log_of_an_earlier_release_is_not_compared(data: dict[str, Any]) -> None:
    with pytest.raises(NotComparable) as why:
        read_vector({name: value for name, value in data.items() if name != "feature_times"})
    assert why.value.reason == UNSTATED


def test_a_row_that_the_store_did_not_have_is_missing_and_nothing_else(
    world: ServedWorld, data: dict[str, Any]
) -> None:
    """No row, no values; and a value without a row differs."""
    lost = {name: None for name in data["features"] if name.startswith("home_") and "_5" in name}
    lost |= {name: None for name in data["features"] if name.startswith("home_") and "_10" in name}
    gone = data | {
        "features": data["features"] | lost | {"home_rest_days": None},
        "feature_times": data["feature_times"] | {"home.team_form": None},
    }
    kept = gone | {"features": gone["features"] | {"home_points_5": 1.0}}
    found = served.compare(world.settings, world.lake, [event(gone), event(kept)])
    assert (found.equal, found.differing) == (1, 1)
    [only] = found.differences
    assert (only.feature, only.served, only.batch) == ("home_points_5", 1.0, None)


def test_a_row_of_another_time_is_none(world: ServedWorld, data: dict[str, Any]) -> None:
    """Values that are right, of a row that the offline store does not have, are not taken for it."""
    moved = data["feature_times"] | {"away.team_ratings": "2026-03-31T23:59:59.000Z"}
    found = served.compare(world.settings, world.lake, [event(data | {"feature_times": moved})])
    assert {each.feature for each in found.differences} == {"away_elo", "away_attack", "away_defence"}
    assert {each.batch for each in found.differences} == {None}


def event(data: dict[str, Any]) -> Any:
    from matchday.events import CloudEvent

    return CloudEvent("id", "source", "type", data["time"], "key", data)
