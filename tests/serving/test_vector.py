"""The feature vector: each feature in its column, none from after the forecast's moment."""

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.features.entities import PLAYER, TTL_SECONDS
from matchday.signature import DaysSince, FeatureRef, ViewRef
from serving.features.store import Row
from serving.moments import iso, seconds
from serving.protocol.errors import Refusal
from serving.vector import Layout, Lookup, NotNumbers, lookups
from tests.serving.conftest import FEATURES, signature
from tests.signatures import match_signature

DAY = 86_400
TTL = TTL_SECONDS
LAYOUT = Layout(signature())


def rows(**elo: float) -> dict[tuple[str, str | int], Row]:
    found = {("team_ratings", team): Row({"elo": value}, 0.0, 10.0) for team, value in elo.items()}
    return found | {("team_form", team): Row({"points": 1.0, "last_kickoff": 0}, 5.0, 5.0) for team in elo}


def test_a_read_is_needed_once_per_kind_of_entity() -> None:
    assert lookups(signature()) == [
        Lookup(
            "team",
            ("home", "away"),
            {"team_ratings": ("elo",), "team_form": ("points", "last_kickoff")},
        )
    ]
    minutes = FeatureRef("minutes", "scorer", "player_form", "minutes", "int64")
    both = match_signature([*FEATURES, minutes], inputs=[*signature().inputs, PLAYER.named("scorer")])
    assert [(each.join_key, each.inputs) for each in lookups(both)] == [
        ("team", ("home", "away")),
        ("player", ("scorer",)),
    ]


@given(
    elo=some.tuples(some.floats(1000, 2000, width=32), some.floats(1000, 2000, width=32)),
    rest=some.floats(0, 40),
)
def test_every_feature_stands_in_its_column(elo: tuple[float, float], rest: float) -> None:
    kickoff = 10.0 + rest * DAY
    vectors = LAYOUT.assemble({"home": ["ARS"], "away": ["LIV"]}, rows(ARS=elo[0], LIV=elo[1]), [kickoff])
    days = min(kickoff / DAY, 14)
    assert vectors.values.tolist() == [pytest.approx([elo[0], 1, days, elo[1], 1, days])]
    assert vectors.values.dtype == "float32"
    assert (vectors.missing, vectors.oldest) == ([], 0.0)


@given(event=some.floats(0, 1e9), kickoff=some.floats(0, 1e9))
def test_no_row_newer_than_the_kickoff_is_ever_used(event: float, kickoff: float) -> None:
    known = {("team_ratings", team): Row({"elo": 1.0}, 0.0, event) for team in ("ARS", "LIV")}
    keys = {"home": ["ARS"], "away": ["LIV"]}
    if event <= kickoff:
        assert LAYOUT.assemble(keys, known, [kickoff]).oldest == 0.0
    else:
        with pytest.raises(Refusal, match="later knowledge") as refused:
            LAYOUT.assemble(keys, known, [kickoff])
        assert refused.value.status == 409


def test_what_is_absent_null_or_not_a_number_is_missing_by_name() -> None:
    known = {
        ("team_ratings", "ARS"): Row({"elo": math.nan}, 3.0, 3.0),
        ("team_form", "ARS"): Row({"points": None, "last_kickoff": 0}, 2.0, 2.0),
    }
    vectors = LAYOUT.assemble({"home": ["ARS"], "away": ["LIV"]}, known, [float(DAY)])
    assert vectors.missing == ["home_elo", "home_points", "away_elo", "away_points", "away_rest_days"]
    assert [math.isnan(value) for value in vectors.values[0]] == [True, True, False, True, True, True]
    assert vectors.oldest == 2.0
    assert LAYOUT.assemble({"home": ["X"], "away": ["Y"]}, {}, [0.0]).oldest is None


def test_truth_is_a_number_and_rows_with_a_text_are_named() -> None:
    known = rows(ARS=1.0, LIV=1.0)
    known["team_ratings", "ARS"] = Row({"elo": True}, 0.0, 0.0)
    keys = {"home": ["ARS"], "away": ["LIV"]}
    assert LAYOUT.assemble(keys, known, [1e9]).values[0, 0] == 1.0
    known["team_ratings", "ARS"] = Row({"elo": "high"}, 0.0, 0.0)
    with pytest.raises(NotNumbers, match="feature elo of ARS is text, in view team_ratings") as raised:
        LAYOUT.assemble(keys, known, [1e9])
    assert set(raised.value.rows) == {("team_ratings", "ARS")}


@given(moment=some.datetimes(datetime(1900, 1, 1), datetime(2099, 1, 1), timezones=some.timezones()))  # noqa: DTZ001
def test_times_are_read_with_their_offset_and_written_in_utc(moment: datetime) -> None:
    read = seconds("kickoff", moment.isoformat())
    assert read == moment.timestamp()
    assert seconds("kickoff", iso(read)) == pytest.approx(read, abs=1)
    assert iso(0.0) == "1970-01-01T00:00:00Z"
    assert seconds("kickoff", "2026-05-24T15:00:00z") == datetime(2026, 5, 24, 15, tzinfo=UTC).timestamp()
    assert seconds("kickoff", "2026-05-24t15:00:00.250z") == datetime(2026, 5, 24, 15, tzinfo=UTC).timestamp() + 0.25
    assert seconds("kickoff", "2026-05-24T16:00:00+01:00") == datetime(2026, 5, 24, 15, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    [
        *("", "z", "now", "2026-05-24", "2026-05-24T15:00", "2026-05-24T15:00:00zz"),
        *("2026-13-01T00:00Z", "1800-01-01T00:00Z"),
    ],
)
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Refusal, match=r"such as 2026-05-24T15:00:00Z"):
        seconds("kickoff", text)


def test_each_gap_is_named_in_its_row_of_a_batch() -> None:
    known = rows(ARS=1500.0, LIV=1600.0)
    known["team_ratings", "LIV"] = Row({"elo": 1e300}, 0.0, 0.0)
    vectors = LAYOUT.assemble({"home": ["ARS", "LIV", "ARS"], "away": ["LIV", "ARS", "X"]}, known, [DAY] * 3)
    assert vectors.missing == ["away_elo", "home_elo", "away_elo", "away_points", "away_rest_days"]
    assert vectors.values[:, 0].tolist() == pytest.approx([1500.0, math.nan, 1500.0], nan_ok=True)
    assert vectors.values[0].tolist() == pytest.approx([1500, 1, 1, math.nan, 1, 1], nan_ok=True)


def test_every_row_that_was_used_is_named_with_its_time() -> None:
    known = rows(ARS=1500.0, LIV=1600.0)
    known["team_ratings", "LIV"] = Row({"elo": 1.0}, 7.0, 9.0)
    del known["team_form", "ARS"]
    vectors = LAYOUT.assemble({"home": ["ARS", "LIV"], "away": ["LIV", "ARS"]}, known, [DAY, TTL + 5])
    assert LAYOUT.sources == ("home.team_ratings", "home.team_form", "away.team_ratings", "away.team_form")
    ars, form = known["team_ratings", "ARS"].oldest, known["team_form", "LIV"].oldest
    assert vectors.times == [ars, None, 7.0, form, 7.0, form, ars, None]
    assert vectors.oldest == min(ars, form, 7.0)
    assert vectors.late == {1: ["away.team_ratings"]}


def test_rows_older_than_their_views_ttl_are_used_and_named() -> None:
    keys = {"home": ["ARS"], "away": ["LIV"]}
    known = rows(ARS=1.0, LIV=2.0)
    assert LAYOUT.assemble(keys, known, [TTL]).expired == []
    later = LAYOUT.assemble(keys, known, [TTL + 1])
    assert (later.expired, later.missing) == (["home_elo", "away_elo"], [])
    shorter = Layout(signature(), {"team_form": 60.0}).assemble(keys, known, [66.0])
    assert shorter.expired == ["home_points", "home_rest_days", "away_points", "away_rest_days"]


def test_rows_of_a_view_without_a_ttl_never_expire() -> None:
    known = rows(ARS=1.0, LIV=2.0)
    endless = signature(views=[ViewRef("team_ratings"), ViewRef("team_form", 60.0)])
    found = Layout(endless).assemble({"home": ["ARS"], "away": ["LIV"]}, known, [1e9])
    assert found.expired == ["home_points", "home_rest_days", "away_points", "away_rest_days"]


def test_days_are_counted_up_to_the_limit_that_the_signature_says() -> None:
    features = [*FEATURES[:2], replace(FEATURES[2], derived=DaysSince(30.0)), *FEATURES[3:]]
    found = Layout(signature(features=features)).assemble(
        {"home": ["ARS"], "away": ["LIV"]}, rows(ARS=1.0, LIV=2.0), [20.5 * DAY]
    )
    assert found.values[0].tolist() == [1, 1, 20.5, 2, 1, 14]
