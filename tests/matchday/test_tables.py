"""A frame keeps its table's schema, or is refused in words that lead to the fault."""

import math
import pickle
from contextlib import suppress
from importlib import import_module

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaError

from matchday import tables
from matchday.errors import MatchdayError
from matchday.tables import (
    Appearances,
    Availability,
    Fixtures,
    Matches,
    Players,
    TableError,
    Teams,
    columns,
    key,
    name,
    validate,
)
from matchday.tables.arrow import from_arrow, schema, to_arrow
from matchday.tables.keeping import keeps_schema

KICKOFF = pd.Timestamp("2025-08-31 15:30", tz="UTC")


def matches(**changed: object) -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "match_id": ["2526-LIV-ARS", "2526-ARS-LIV"],
            "season": "2526",
            "gameweek": pd.array([3, 21], dtype="Int64"),
            "kickoff": pd.Series([KICKOFF, pd.Timestamp("2026-01-08 20:00", tz="UTC")]).astype("datetime64[us, UTC]"),
            "kickoff_exact": True,
            "home": ["LIV", "ARS"],
            "away": ["ARS", "LIV"],
            "home_goals": [1, 0],
            "away_goals": [0, 0],
        }
    )
    return rows.assign(**changed)


def appearances(**changed: object) -> pd.DataFrame:
    counts = {column: [0] for column in columns(Appearances)}
    texts = {
        "season": "2526",
        "match_id": "2526-LIV-ARS",
        "name": "A",
        "team": "LIV",
        "opponent": "ARS",
        "position": "MID",
    }
    rows = pd.DataFrame(counts | {column: [text] for column, text in texts.items()})
    whole = [
        "gameweek",
        "starts",
        "tackles",
        "recoveries",
        "clearances_blocks_interceptions",
        "defensive_contribution",
    ]
    rows = rows.assign(home=True, kickoff=KICKOFF, player=118748, gameweek=3, minutes=90, value=145)
    rows = rows.astype(dict.fromkeys(whole, "Int64") | {"kickoff": "datetime64[us, UTC]"})
    rows = rows.astype(dict.fromkeys(["influence", "creativity", "threat", "xg", "xa", "xgc"], "float64"))
    return rows.assign(**changed)


SAMPLES = {
    Matches: matches(),
    Fixtures: matches()[columns(Fixtures)],
    Teams: pd.DataFrame({"season": ["2425", "2526"], "team": ["ARS", "ARS"], "name": ["Arsenal", "Arsenal"]}),
    Players: pd.DataFrame(
        {
            "season": ["1617"],
            "player": [-7],
            "name": ["A"],
            "web_name": [None],
            "position": ["GK"],
            "team": ["ARS"],
        }
    ),
    Appearances: appearances(),
    Availability: pd.DataFrame(
        {
            "seen_at": pd.Series([KICKOFF]).astype("datetime64[us, UTC]"),
            "season": "2526",
            "gameweek": 4,
            "player": 118748,
            "team": "LIV",
            "price": 145,
            "selected": pd.array([2_683_138], dtype="Int64"),
            "transfers_in": pd.array([None], dtype="Int64"),
            "transfers_out": pd.array([12], dtype="Int64"),
            "chance": pd.array([75], dtype="Int64"),
            "reason": "injury",
            "return_gameweek": pd.array([None], dtype="Int64"),
        }
    ),
}


@pytest.mark.parametrize("table", SAMPLES, ids=name)
def test_a_frame_that_keeps_the_schema_passes_untouched(table):
    frame = SAMPLES[table]
    pd.testing.assert_frame_equal(validate(table, frame), frame[columns(table)])


ODD = [None, "", "ARS", "2526", "2527", 0, -1, 4, 131, 1.5, math.nan, math.inf, True, KICKOFF, pd.NaT, pd.NA, 2**62]


@given(
    table=st.sampled_from(list(SAMPLES)),
    place=st.integers(0, 99),
    value=st.sampled_from(ODD),
    times=st.sampled_from([0, 1, 1, 1, 2]),
    typed=st.booleans(),
)
@settings(max_examples=100)
def test_the_quick_look_accepts_nothing_that_pandera_refuses(table, place, value, times, typed):
    """Of frames with an odd value anywhere, in a column of objects or of its own dtype; empty, or with a key twice."""
    frame = pd.concat([SAMPLES[table].iloc[:0], *[SAMPLES[table]] * times], ignore_index=True)
    column = columns(table)[place % len(columns(table))]
    odd = frame[column].astype(object)
    if len(odd):
        odd.iloc[-1] = value
    if typed:
        with suppress(TypeError, ValueError, OverflowError):
            odd = odd.astype(frame[column].dtype)
    frame[column] = odd
    try:
        table.to_schema().validate(frame)
        accepted = True
    except SchemaError:
        accepted = False
    assert accepted or not keeps_schema(table, frame)


@pytest.mark.parametrize("table", SAMPLES, ids=name)
def test_the_quick_look_sees_a_column_too_many_or_too_few(table):
    frame = SAMPLES[table]
    assert keeps_schema(table, frame[frame.columns[::-1]])
    assert not keeps_schema(table, frame.assign(odds=1.5))
    assert not keeps_schema(table, frame.drop(columns=columns(table)[-1]))


@pytest.mark.parametrize("table", SAMPLES, ids=name)
def test_columns_are_exact(table):
    frame = SAMPLES[table]
    lost = columns(table)[-1]
    with pytest.raises(TableError, match=rf"table {name(table)}, column {lost}: .*the column is missing"):
        validate(table, frame.drop(columns=lost))
    with pytest.raises(TableError, match=r"column odds: .*not part of the table"):
        validate(table, frame.assign(odds=1.5))


@pytest.mark.parametrize("table", SAMPLES, ids=name)
def test_keys_are_unique(table):
    assert key(table)
    with pytest.raises(TableError, match="the key is unique") as refused:
        validate(table, pd.concat([SAMPLES[table]] * 2))
    assert set(key(table)) <= set(refused.value.rows[0])


@pytest.mark.parametrize("table", SAMPLES, ids=name)
def test_arrow_and_back_is_the_same_frame(table):
    frame = validate(table, SAMPLES[table])
    stored = to_arrow(table, frame)
    assert stored.schema.metadata is None
    assert stored.schema.equals(schema(table))
    pd.testing.assert_frame_equal(from_arrow(table, stored), frame)
    none = validate(table, from_arrow(table, schema(table).empty_table()))
    assert len(none) == 0


BROKEN = [
    (Matches, matches(home_goals=[-1, 0]), "home_goals", "greater_than_or_equal_to(0)"),
    (Matches, matches(home_goals=[1.0, 0.0]), "home_goals", "dtype('int64')"),
    (Matches, matches(home=["Liverpool", "ARS"]), "home", "str_matches"),
    (Matches, matches(home=[None, "ARS"]), "home", "no value is missing"),
    (Matches, matches(gameweek=pd.array([39, 1], dtype="Int64")), "gameweek", "less_than_or_equal_to(38)"),
    (
        Matches,
        matches(home=["ARS", "ARS"], match_id=["2526-ARS-ARS", "2526-ARS-LIV"]),
        "",
        "home and away are two",
    ),
    (Matches, matches(match_id=["2526-ARS-CHE", "2526-ARS-LIV"]), "", "match_id is season-home-away"),
    (Players, SAMPLES[Players].assign(season="2527"), "", "season is two years in a row"),
    (
        Matches,
        matches(kickoff=matches()["kickoff"] + pd.Timedelta(days=366).as_unit("us")),
        "",
        "kickoff lies in the season",
    ),
    (Matches, matches(kickoff=matches()["kickoff"].dt.tz_localize(None)), "kickoff", "dtype"),
    (Appearances, appearances(minutes=131), "minutes", "less_than_or_equal_to(130)"),
    (Appearances, appearances(minutes=-1), "minutes", "greater_than_or_equal_to(0)"),
    (Appearances, appearances(position="COACH"), "position", "isin"),
    (Appearances, appearances(home=False), "", "match_id is season and both teams"),
    (Appearances, appearances(minutes=0, goals=1), "", "without minutes no goals"),
    (Appearances, appearances(xg=-0.1), "xg", "greater_than_or_equal_to(0)"),
    (Players, SAMPLES[Players].assign(player=0), "player", "not_equal_to(0)"),
    (Teams, SAMPLES[Teams].assign(name=["Arsenal", "The Arsenal"]), "", "one name in all seasons"),
    (Availability, SAMPLES[Availability].assign(chance=pd.array([60], dtype="Int64")), "chance", "isin"),
]


@pytest.mark.parametrize(("table", "frame", "column", "rule"), BROKEN, ids=lambda v: v if isinstance(v, str) else "")
def test_a_broken_rule_is_named_with_its_column_and_rows(table, frame, column, rule):
    with pytest.raises(TableError) as refused:
        validate(table, frame)
    error = refused.value
    assert (error.table, error.column) == (name(table), column)
    assert rule in error.rule
    assert rule in str(error) and "\n" not in str(error)
    assert isinstance(error, MatchdayError)


def test_the_first_five_offending_rows_are_shown_with_their_key():
    season = [f"{year:02d}{year + 1:02d}" for year in range(20, 28)]
    frame = pd.DataFrame({"season": season, "team": "ARS", "name": "A"}, index=[0] * 8)
    with pytest.raises(TableError, match=r"in 8 rows: .* and 3 more") as refused:
        validate(Teams, frame)
    assert refused.value.rows == [{"season": one, "team": "ARS", "name": "A"} for one in season[:5]]


def test_structure_is_named_before_what_follows_from_it():
    with pytest.raises(TableError, match=r"column away: .*the column is missing.*other rule"):
        validate(Matches, matches(home_goals=-1).drop(columns="away"))


def test_the_error_survives_a_process_boundary():
    error = TableError("matches", "home", "rule", [{"home": "x"}], 1, 2)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.rows, again.others) == (str(error), error.rows, 2)


@given(minutes=st.integers(0, 130))
@settings(max_examples=20)
def test_any_minutes_of_a_match_pass(minutes):
    assert validate(Appearances, appearances(minutes=minutes))["minutes"].tolist() == [minutes]


@given(minutes=st.integers(-200, -1) | st.integers(131, 400))
@settings(max_examples=20)
def test_any_other_minutes_are_refused_and_shown(minutes):
    with pytest.raises(TableError) as refused:
        validate(Appearances, appearances(minutes=minutes))
    assert refused.value.rows[0]["minutes"] == minutes


def test_every_name_of_the_package_is_there_and_is_what_its_module_has() -> None:
    """They are imported when they are first asked for; `merge` must be the function, whatever was imported before."""
    assert sorted(tables.HOMES) == sorted(tables.__all__)
    for each, home in tables.HOMES.items():
        assert getattr(tables, each) is getattr(import_module(f"matchday.tables.{home}"), each)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        tables.nonsense  # noqa: B018
