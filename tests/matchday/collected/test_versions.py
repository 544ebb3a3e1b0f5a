"""Versions: what a source newly says is added, what it says again is not."""

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from matchday.collected.store import ObservationStore, no_rows
from matchday.collected.versions import new_versions, newest, stack
from matchday.tables.observed import ObservedFixtures, ObservedPlayers
from tests.matchday.collected.observations import FPL, ORG, at, fixtures, match, player, players

MATCHES = ("ARS-LIV", "LIV-ARS", "MCI-BOU")

scores = st.one_of(st.none(), st.tuples(st.integers(0, 1), st.integers(0, 1)))
answers = st.dictionaries(st.sampled_from(MATCHES), scores, min_size=1)


@st.composite
def histories(draw: st.DrawFn, source: str = FPL) -> list[pd.DataFrame]:
    """What a source answered, oldest first: a frame for each answer."""
    days = sorted(draw(st.sets(st.integers(0, 9), max_size=4)))
    made = [(day, draw(answers)) for day in days]
    return [fixtures(*(match(day, teams, source, score=score) for teams, score in said.items())) for day, said in made]


def add_all(history: list[pd.DataFrame]) -> pd.DataFrame:
    known = no_rows(ObservedFixtures)
    for rows in history:
        known = stack([known, new_versions(ObservedFixtures, known, rows)])
    return known


def ordered(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values(["source", "match_id", "known_at"], ignore_index=True)


def said(rows: pd.DataFrame) -> list[tuple[object, ...]]:
    """What each row says of which match."""
    held = rows[["source", "match_id", "status"]].assign(score=score_of(rows))
    return list(held.itertuples(index=False, name=None))


def score_of(rows: pd.DataFrame) -> list[str]:
    return [f"{row.home_goals}-{row.away_goals}" for row in rows.itertuples()]


@given(history=histories())
@settings(max_examples=50)
def test_what_is_known_is_not_added_again(history):
    known = add_all(history)
    for rows in history:
        assert new_versions(ObservedFixtures, known, rows).empty


@given(one=histories(FPL), other=histories(ORG), data=st.data())
@settings(max_examples=50)
def test_the_order_in_which_sources_arrive_does_not_matter(one, other, data):
    turns = data.draw(st.permutations([FPL] * len(one) + [ORG] * len(other)))
    left = {FPL: list(one), ORG: list(other)}
    mixed = add_all([left[source].pop(0) for source in turns])
    pd.testing.assert_frame_equal(ordered(mixed), ordered(add_all(one + other)))


@given(history=histories())
@settings(max_examples=50)
def test_answers_one_by_one_are_as_all_at_once(history):
    whole = stack([no_rows(ObservedFixtures), *history])
    at_once = new_versions(ObservedFixtures, no_rows(ObservedFixtures), whole)
    pd.testing.assert_frame_equal(ordered(at_once), ordered(add_all(history)))


@given(history=histories(), late=st.integers(0, 9), answer=answers)
@settings(max_examples=50)
def test_a_row_that_comes_late_does_not_rewrite_what_was_known(history, late, answer):
    known = add_all(history)
    rows = fixtures(*(match(late, teams, score=score) for teams, score in answer.items()))
    added = new_versions(ObservedFixtures, known, rows)
    latest = newest(ObservedFixtures, known).set_index("match_id")["known_at"]
    assert all(row.known_at > latest.get(row.match_id, at(-1)) for row in added.itertuples())


@given(history=histories(), day=st.integers(-1, 10))
@settings(max_examples=50)
def test_at_a_moment_only_what_was_known_before_it_is_seen(history, day):
    """Each version that held then is what the last answer before the moment said."""
    held = newest(ObservedFixtures, add_all(history), at(day))
    assert (held["known_at"] < at(day)).all()
    expected = {}
    for rows in history:
        if (rows["known_at"] < at(day)).all():
            expected |= dict(zip(rows["match_id"], said(rows), strict=True))
    assert set(said(held)) == set(expected.values())


def test_every_column_makes_a_version_but_those_of_its_receipt():
    known = players(player(1))
    for changed in ({"price": 56}, {"chance": 50}, {"news": "Knock"}, {"team": "LIV"}, {"gameweek": None}):
        assert len(new_versions(ObservedPlayers, known, players(player(2, **changed)))) == 1, changed
    assert new_versions(ObservedPlayers, known, players(player(2, raw="b" * 64))).empty


def test_a_source_that_goes_back_to_what_it_said_has_three_versions():
    history = [fixtures(match(day, score=score)) for day, score in ((1, (1, 0)), (2, (1, 1)), (3, (1, 0)))]
    assert len(add_all(history)) == 3


def test_the_store_only_grows_and_says_what_is_new(tmp_path):
    store = ObservationStore(str(tmp_path / "collected"))
    assert store.newest_moment() is None and store.read(ObservedFixtures).empty
    first = fixtures(match(1), match(1, "MCI-BOU"))
    assert len(store.add(ObservedFixtures, first)) == 2
    assert store.add(ObservedFixtures, first).empty
    assert list(store.add(ObservedFixtures, fixtures(match(2, score=(2, 0)), match(2, "MCI-BOU")))["match_id"]) == [
        "2627-ARS-LIV"
    ]
    assert len(store.read(ObservedFixtures)) == 3 and store.newest_moment() == at(2)
    assert store.add(ObservedFixtures, fixtures(match(1.5, score=(9, 9)))).empty
    assert len(ObservationStore(str(tmp_path / "collected")).read(ObservedFixtures, ["2627"])) == 3
