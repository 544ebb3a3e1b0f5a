"""The offline store beside the definition in plain Python, and beside Feast's own file store."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from daft import from_pydict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feature_repo.offline import join
from feature_repo.offline.buckets import _cut
from tests.feature_repo.offline.definition import (
    Asked,
    Row,
    World,
    entity_rows,
    expected,
    frame,
    source_rows,
    values,
    world,
)

OURS = "feature_repo.offline.AsofOfflineStore"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> World:
    return world(tmp_path_factory.mktemp("ours"), {"type": OURS})


@pytest.fixture(scope="module")
def feast(tmp_path_factory: pytest.TempPathFactory) -> World:
    return world(tmp_path_factory.mktemp("feast"), {"type": "file"}, "b.parquet", zone=True)


@pytest.fixture(scope="module", params=[1_000_000, 3], ids=["whole", "in buckets"])
def daft(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> World:
    return world(tmp_path_factory.mktemp("daft"), {"type": OURS, "engine": "daft", "bucket_rows": request.param})


def sources(nulls: bool) -> st.SearchStrategy[dict[str, list[Row]]]:
    return st.fixed_dictionaries({"form": source_rows(nulls), "pair": source_rows(nulls)})


@pytest.mark.parametrize("held", [0, 2**30], ids=["in DuckDB", "in memory"])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=sources(nulls=True), asked=entity_rows(nulls=True), until_known=st.booleans(), cuts=st.integers(0, 3))
def test_the_join_is_the_definition(
    ours: World, monkeypatch: pytest.MonkeyPatch, held: int, rows, asked: list[Asked], until_known: bool, cuts: int
) -> None:
    monkeypatch.setattr(join, "HELD_BYTES", held)
    ours.write(rows, cuts)
    given_rows = frame(asked)
    found = ours.join(given_rows, until_known)
    assert found["number"].tolist() == list(range(len(asked)))
    assert values(found) == dict(enumerate(expected(asked, rows, until_known)))


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=sources(nulls=False), asked=entity_rows(nulls=False), until_known=st.booleans())
def test_the_join_is_that_of_feasts_file_store(
    ours: World, feast: World, rows, asked: list[Asked], until_known: bool
) -> None:
    """Feast drops entity rows that occur twice, and those with no row in time: what it leaves is the same."""
    for each in (ours, feast):
        each.write(rows)
    given_rows = frame(list(dict.fromkeys(asked))).astype({"player": "int64"})
    found, theirs = values(ours.join(given_rows, until_known)), values(feast.join(given_rows, until_known))
    assert theirs == {number: found[number] for number in theirs}
    for number in found.keys() - theirs.keys():
        assert None in found[number].values()


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=sources(nulls=True), asked=entity_rows(nulls=True), until_known=st.booleans(), cuts=st.integers(0, 3))
def test_dafts_join_is_the_definition(daft: World, rows, asked: list[Asked], until_known: bool, cuts: int) -> None:
    daft.write(rows, cuts)
    found = daft.join(frame(asked), until_known)
    assert found["number"].tolist() == list(range(len(asked)))
    assert values(found) == dict(enumerate(expected(asked, rows, until_known)))


def test_buckets_are_even(tmp_path: Path) -> None:
    """Hashes that pass through floating point lose their last digits: three buckets of 10 were all but empty."""
    _cut(iter([from_pydict({"key": list(range(2000))})]), ["key"], 10, tmp_path)
    sizes = [pq.read_table(folder).num_rows for folder in tmp_path.iterdir()]
    assert len(sizes) == 10
    assert sum(sizes) == 2000
    assert min(sizes) > 100
