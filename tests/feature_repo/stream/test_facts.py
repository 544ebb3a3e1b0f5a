"""Facts: the highest rank counts, and any order, doubling and batching ends in the same content."""

import random
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.error import FeatureStoreError
from feature_repo.stream.facts import RANK, content_of, highest, make_fact, rank
from feature_repo.stream.sqlite_facts import SqliteFacts
from tests.feature_repo.stream import fact_laws
from tests.feature_repo.stream.fact_laws import FACTS

MOST_REVISION = 9007199254740991


@given(st.integers(0, MOST_REVISION), st.floats(-1e12, 1e12), st.binary())
def test_a_rank_has_one_length(revision: int, time: float, content: bytes) -> None:
    assert len(rank(revision, time, content)) == RANK


@given(st.integers(0, MOST_REVISION), st.integers(0, MOST_REVISION), st.floats(0, 4e9), st.floats(0, 4e9))
def test_first_the_revision_decides_then_the_time(one: int, other: int, early: float, late: float) -> None:
    if one != other:
        assert (rank(one, early, b"x") < rank(other, late, b"y")) == (one < other)
    if abs(early - late) > 1e-5:
        assert (rank(one, early, b"x") < rank(one, late, b"y")) == (early < late)


def test_equal_revisions_at_one_moment_are_decided_by_what_they_say() -> None:
    facts = [make_fact({"match": "2425-ARS-LIV", "revision": 1, "home_goals": goals}, 5.0) for goals in range(4)]
    assert len({fact.rank for fact in facts}) == 4
    assert len({highest(random.Random(seed).sample(facts, 4))[0] for seed in range(9)}) == 1


def test_the_order_of_fields_makes_no_other_fact() -> None:
    one = make_fact({"match": "2425-ARS-LIV", "revision": 1, "player": -3}, 5.0)
    assert one == make_fact({"player": -3, "revision": 1, "match": "2425-ARS-LIV"}, 5.0)
    assert (one.season, one.subject, content_of(one.stored)["player"]) == ("2425", "-3", -3)


def test_what_cannot_be_kept_is_told() -> None:
    deep: list[object] = []
    for _ in range(400):
        deep = [deep]
    with pytest.raises(ValueError, match="cannot be kept"):
        make_fact({"match": "2425-ARS-LIV", "revision": 1, "more": deep}, 0.0)


@given(FACTS, st.integers(0, 999))
def test_any_order_of_facts_ends_in_the_same_content(facts: list, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one, other = SqliteFacts(Path(folder) / "stream.db"), SqliteFacts(Path(folder) / "stream.db")
        try:
            fact_laws.check_any_order(one, other, facts, seed)
        finally:
            one.close()
            other.close()


def test_progress_and_offsets_never_go_back(tmp_path: Path) -> None:
    fact_laws.check_notes(SqliteFacts(tmp_path / "stream.db"), SqliteFacts(tmp_path / "stream.db"))


def test_a_file_that_was_deleted_is_begun_above_its_versions(tmp_path: Path) -> None:
    store = SqliteFacts(tmp_path / "stream.db")

    def lose() -> SqliteFacts:
        store.close()
        for path in tmp_path.iterdir():
            path.unlink()
        return SqliteFacts(tmp_path / "stream.db")

    fact_laws.check_a_lost_store_goes_on_above(store, lose)


def test_a_file_that_is_no_database_is_told_and_used_once_it_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "stream.db"
    path.write_bytes(b"this is no database, and long enough to be read as a header" * 20)
    store = SqliteFacts(path)
    with pytest.raises(FeatureStoreError, match=r"stream\.db"):
        store.seasons()
    path.unlink()
    assert store.seasons() == []


def test_a_put_that_fails_in_the_middle_keeps_nothing(tmp_path: Path) -> None:
    store = SqliteFacts(tmp_path / "stream.db")
    store.seasons()
    with sqlite3.connect(tmp_path / "stream.db") as rows:
        rows.execute("CREATE TRIGGER full BEFORE INSERT ON matches BEGIN SELECT RAISE(FAIL, 'no space'); END")
    facts = [make_fact({"match": "2425-ARS-LIV", "revision": 1, "player": player}, 0.0) for player in range(3)]
    with pytest.raises(FeatureStoreError, match="no space"):
        store.put(facts)
    with sqlite3.connect(tmp_path / "stream.db") as rows:
        rows.execute("DROP TRIGGER full")
    assert fact_laws.content(store) == {}
    assert store.put(facts) == 3
