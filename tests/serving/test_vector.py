"""The vector the model gets: each feature in its place, and none from after the kick-off."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.bundle import FeatureRef
from serving.features.store import Row, StoreError
from serving.protocol.errors import Refusal
from serving.vector import TTL, Layout, Lookup, iso, key_datatype, lookups, seconds
from tests.serving.conftest import FEATURES

DAY = 86_400


def rows(**elo: float) -> dict[tuple[str, str | int], Row]:
    found = {("team_ratings", team): Row({"elo": value}, 0.0, 10.0) for team, value in elo.items()}
    return found | {("team_form", team): Row({"points": 1.0, "last_kickoff": 0}, 5.0, 5.0) for team in elo}


def test_a_read_is_needed_once_per_kind_of_entity() -> None:
    assert lookups(FEATURES) == [
        Lookup(
            "team",
            ("home", "away"),
            {"team_ratings": ("elo",), "team_form": ("points", "last_kickoff")},
        )
    ]
    player = FeatureRef("minutes", "player", "player_form", "minutes", "int64")
    assert [each.join_key for each in lookups([*FEATURES, player])] == ["team", "player"]


@given(
    elo=some.tuples(some.floats(1000, 2000, width=32), some.floats(1000, 2000, width=32)),
    rest=some.floats(0, 40),
)
def test_every_feature_stands_in_its_column(elo: tuple[float, float], rest: float) -> None:
    kickoff = 10.0 + rest * DAY
    vectors = Layout(FEATURES).assemble({"home": ["ARS"], "away": ["LIV"]}, rows(ARS=elo[0], LIV=elo[1]), [kickoff])
    days = min(kickoff / DAY, 14)
    assert vectors.values.tolist() == [pytest.approx([elo[0], 1, days, elo[1], 1, days])]
    assert vectors.values.dtype == "float32"
    assert (vectors.missing, vectors.oldest) == ([], 0.0)


@given(event=some.floats(0, 1e9), kickoff=some.floats(0, 1e9))
def test_no_row_newer_than_the_kickoff_is_ever_used(event: float, kickoff: float) -> None:
    known = {("team_ratings", team): Row({"elo": 1.0}, 0.0, event) for team in ("ARS", "LIV")}
    keys = {"home": ["ARS"], "away": ["LIV"]}
    if event <= kickoff:
        assert Layout(FEATURES).assemble(keys, known, [kickoff]).oldest == 0.0
    else:
        with pytest.raises(Refusal, match="later knowledge") as refused:
            Layout(FEATURES).assemble(keys, known, [kickoff])
        assert refused.value.status == 409


def test_what_is_absent_null_or_not_a_number_is_missing_by_name() -> None:
    known = {
        ("team_ratings", "ARS"): Row({"elo": math.nan}, 3.0, 3.0),
        ("team_form", "ARS"): Row({"points": None, "last_kickoff": 0}, 2.0, 2.0),
    }
    vectors = Layout(FEATURES).assemble({"home": ["ARS"], "away": ["LIV"]}, known, [float(DAY)])
    assert vectors.missing == ["home_elo", "home_points", "away_elo", "away_points", "away_rest_days"]
    assert [math.isnan(value) for value in vectors.values[0]] == [True, True, False, True, True, True]
    assert vectors.oldest == 2.0
    assert Layout(FEATURES).assemble({"home": ["X"], "away": ["Y"]}, {}, [0.0]).oldest is None


def test_truth_is_a_number_and_text_is_an_error_of_the_store() -> None:
    known = rows(ARS=1.0, LIV=1.0)
    known["team_ratings", "ARS"] = Row({"elo": True}, 0.0, 0.0)
    keys = {"home": ["ARS"], "away": ["LIV"]}
    assert Layout(FEATURES).assemble(keys, known, [1e9]).values[0, 0] == 1.0
    known["team_ratings", "ARS"] = Row({"elo": "high"}, 0.0, 0.0)
    with pytest.raises(StoreError, match="elo of view team_ratings is text"):
        Layout(FEATURES).assemble(keys, known, [1e9])


@given(moment=some.datetimes(datetime(1900, 1, 1), datetime(2099, 1, 1), timezones=some.timezones()))  # noqa: DTZ001
def test_times_are_read_with_their_offset_and_written_in_utc(moment: datetime) -> None:
    read = seconds(moment.isoformat())
    assert read == moment.timestamp()
    assert seconds(iso(read)) == pytest.approx(read, abs=1)
    assert iso(0.0) == "1970-01-01T00:00:00Z"
    assert seconds("2026-05-24T16:00:00+01:00") == datetime(2026, 5, 24, 15, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text", ["", "now", "2026-05-24", "2026-05-24T15:00", "2026-13-01T00:00Z", "1800-01-01T00:00Z"]
)
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Refusal, match=r"such as 2026-05-24T15:00:00Z"):
        seconds(text)


def test_each_gap_is_named_in_its_row_of_a_batch() -> None:
    known = rows(ARS=1500.0, LIV=1600.0)
    known["team_ratings", "LIV"] = Row({"elo": 1e300}, 0.0, 0.0)
    vectors = Layout(FEATURES).assemble({"home": ["ARS", "LIV", "ARS"], "away": ["LIV", "ARS", "X"]}, known, [DAY] * 3)
    assert vectors.missing == ["away_elo", "home_elo", "away_elo", "away_points", "away_rest_days"]
    assert vectors.values[:, 0].tolist() == pytest.approx([1500.0, math.nan, 1500.0], nan_ok=True)
    assert vectors.values[0].tolist() == pytest.approx([1500, 1, 1, math.nan, 1, 1], nan_ok=True)


def test_rows_older_than_their_views_ttl_are_used_and_named() -> None:
    keys = {"home": ["ARS"], "away": ["LIV"]}
    known = rows(ARS=1.0, LIV=2.0)
    assert Layout(FEATURES).assemble(keys, known, [TTL]).expired == []
    later = Layout(FEATURES).assemble(keys, known, [TTL + 1])
    assert (later.expired, later.missing) == (["home_elo", "away_elo"], [])
    shorter = Layout(FEATURES, {"team_form": 60.0}).assemble(keys, known, [66.0])
    assert shorter.expired == ["home_points", "home_rest_days", "away_points", "away_rest_days"]


def test_players_are_numbers_and_teams_are_texts() -> None:
    assert [key_datatype(name) for name in ("home", "away", "opponent", "team", "player")] == ["BYTES"] * 4 + ["INT64"]
