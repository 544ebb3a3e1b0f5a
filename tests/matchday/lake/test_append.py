"""Some seasons are replaced or extended; the others stay as they are, and are neither read nor written."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from matchday.lake import Lake, LakeError
from matchday.storage import Storage
from matchday.tables import Teams
from tests.matchday.lake.rows import Goals, Points, goals, stored, teams

SEASONS = ("2324", "2425", "2526")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@st.composite
def rows(draw: st.DrawFn) -> pd.DataFrame:
    keys = draw(st.lists(st.tuples(st.sampled_from(SEASONS), st.integers(0, 5)), unique=True, max_size=5))
    made = [goals(x, season=season, scored=draw(st.integers(0, 2))) for season, x in keys]
    return pd.concat([goals().astype({"x": int, "goals": int}), *made], ignore_index=True)


def as_rows(frame: pd.DataFrame) -> dict[tuple[str, int], int]:
    return {(row.season, row.x): row.goals for row in frame.itertuples()}


writes = st.lists(st.tuples(st.sampled_from(["write", "write_seasons", "append"]), rows()), min_size=1, max_size=6)


@given(history=writes)
@settings(max_examples=60)
def test_every_way_of_writing_does_what_a_dictionary_of_rows_does(tmp_path_factory, history):
    lake, model = Lake(str(tmp_path_factory.mktemp("lake"))), {}
    for way, frame in history:
        getattr(lake, way)(Goals, frame)
        replaced = set() if way == "append" else set(SEASONS) if way == "write" else set(frame["season"])
        event(f"{way} {'over rows' if model else 'first'}")
        model = {key: value for key, value in model.items() if key[0] not in replaced} | as_rows(frame)
        found = lake.read(Goals)
        assert as_rows(found) == model and len(found) == len(model)
        assert list(found["season"]) == sorted(found["season"])


@given(frame=rows(), data=st.data())
@settings(max_examples=60)
def test_rows_appended_in_any_order_have_the_fingerprint_of_the_whole(tmp_path_factory, frame, data):
    order = data.draw(st.permutations(range(len(frame))))
    cut = data.draw(st.integers(0, len(frame)))
    lake, whole = (Lake(str(tmp_path_factory.mktemp("lake"))) for _ in range(2))
    for part in (order[:cut], order[cut:]):
        lake.append(Goals, frame.iloc[part])
    assert lake.fingerprint(Goals) == whole.write(Goals, frame.sort_values(["season", "x"]))


def test_seasons_that_are_not_written_are_not_touched(lake, monkeypatch):
    lake.write(Goals, pd.concat([goals(1, 2, season=season) for season in SEASONS]))
    before, touched = lake.parts(Goals), []
    for name in ("read", "write"):
        method = getattr(Storage, name)

        def noted(self, path, *content, method=method):
            touched.append(path)
            return method(self, path, *content)

        monkeypatch.setattr(Storage, name, noted)
    lake.append(Goals, goals(3, season="2425"))
    lake.write_seasons(Goals, goals(7, season="2425"))
    assert lake.parts(Goals)[0] == before[0] and lake.parts(Goals)[2] == before[2]
    assert {path.split("/")[2] for path in touched if path.endswith(".parquet")} == {"season=2425"}


def test_appending_what_is_there_changes_nothing(lake):
    first = lake.write(Goals, goals(1, 2))
    parts = lake.parts(Goals)
    assert lake.append(Goals, goals(2)) == first and lake.parts(Goals) == parts
    assert lake.append(Goals, goals(2).iloc[:0]) == first and lake.parts(Goals) == parts
    assert lake.append(Goals, goals(2, scored=5)) != first
    assert as_rows(lake.read(Goals)) == {("2526", 1): 0, ("2526", 2): 5}


def test_tables_without_seasons_or_key_are_appended_to(lake):
    lake.append(Points, pd.DataFrame({"x": [2, 1]}))
    lake.append(Points, pd.DataFrame({"x": [1]}))
    assert lake.read(Points)["x"].tolist() == [2, 1, 1]
    with pytest.raises(LakeError, match="points has no seasons"):
        lake.write_seasons(Points, pd.DataFrame({"x": [1]}))


def test_a_table_that_had_no_rows_takes_some(lake):
    for write in (lake.append, lake.write_seasons):
        lake.write(Teams, teams("ARS").iloc[:0])
        write(Teams, teams("ARS").iloc[:0])
        assert lake.read(Teams).empty
        write(Teams, teams("ARS"))
        pd.testing.assert_frame_equal(lake.read(Teams), stored(teams("ARS")))
