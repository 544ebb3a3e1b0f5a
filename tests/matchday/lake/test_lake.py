"""The lake: what is written is read, content has one fingerprint, and damage is named."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchday.lake import KEPT, Lake, LakeError
from matchday.storage import Storage, StorageError
from matchday.tables import TableError, Teams
from tests.matchday.lake.rows import Points, files, stored, teams


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


codes = st.lists(st.from_regex(r"\A[A-Z]{3}\Z"), unique=True, max_size=8)
seasons = st.sampled_from(["2324", "2425", "2526"])


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = [(draw(seasons), code, f"Name of {code}") for code in draw(codes)]
    return pd.DataFrame(rows, columns=["season", "team", "name"], dtype=object)


@given(history=st.lists(frames(), min_size=1, max_size=6))
@settings(max_examples=25)
def test_the_last_frame_written_is_read_and_equal_content_has_an_equal_fingerprint(tmp_path_factory, history):
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    prints = {}
    for frame in history:
        new = lake.write(Teams, frame)
        assert lake.write(Teams, frame) == new == lake.fingerprint(Teams)
        pd.testing.assert_frame_equal(lake.read(Teams), stored(frame))
        same = stored(frame).to_json()
        assert prints.setdefault(new, same) == same
    assert len(set(prints.values())) == len(prints)


@given(frame=frames(), chosen=st.sets(seasons))
@settings(max_examples=25)
def test_seasons_are_read_by_themselves(tmp_path_factory, frame, chosen):
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    lake.write(Teams, frame)
    wanted = stored(frame[frame["season"].isin(chosen)])
    pd.testing.assert_frame_equal(lake.read(Teams, seasons=chosen), wanted)


def test_writing_what_is_there_touches_nothing(lake, tmp_path):
    lake.write(Teams, teams("ARS", "LIV"))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.suffix != ".lock"}
    lake.write(Teams, teams("ARS", "LIV"))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.suffix != ".lock"} == before


def test_the_layout_is_table_version_season_and_parts_are_named_by_their_hash(lake, tmp_path):
    lake.write(Teams, pd.concat([teams("ARS"), teams("ARS", season="2425")]))
    old, new = lake.parts(Teams)
    assert Path(old).parent == tmp_path / "lake" / "teams" / "v1" / "season=2425"
    assert Path(new).parent == tmp_path / "lake" / "teams" / "v1" / "season=2526"
    assert len(Path(new).stem) == 32 and Path(new).stem != Path(old).stem
    lake.write(Teams, pd.concat([teams("LIV"), teams("ARS", season="2425")]))
    assert lake.parts(Teams)[0] == old and "/v2/season=2526/" in lake.parts(Teams)[1]
    other = Lake(str(tmp_path / "other"))
    other.write(Teams, teams("ARS"))
    assert Path(other.parts(Teams)[0]).name == Path(new).name


def test_a_table_without_seasons_has_one_part(lake, tmp_path):
    frame = pd.DataFrame({"x": [3, 1, 2]})
    lake.write(Points, frame)
    assert [Path(part).parent for part in lake.parts(Points)] == [tmp_path / "lake" / "points" / "v1"]
    pd.testing.assert_frame_equal(lake.read(Points), frame)
    with pytest.raises(LakeError, match="points has no seasons"):
        lake.read(Points, seasons=["2526"])


def test_a_table_is_copied_to_a_folder_in_order(lake, tmp_path):
    lake.write(Teams, pd.concat([teams("LIV"), teams("ARS", season="2425")]))
    lake.write(Teams, pd.concat([teams("LIV"), teams("CHE", season="2425")]))
    lake.download(Teams, tmp_path / "copy")
    copied = [pd.read_parquet(path) for path in sorted((tmp_path / "copy").glob("*.parquet"))]
    assert [frame["team"].tolist() for frame in copied] == [["CHE"], ["LIV"]]
    with pytest.raises(LakeError, match="has no table points"):
        lake.download(Points, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_frame_that_breaks_its_schema_leaves_no_trace(lake, tmp_path):
    for write in (lake.write, lake.write_seasons, lake.append):
        with pytest.raises(TableError, match="table teams, column team"):
            write(Teams, teams("Arsenal"))
    assert not (tmp_path / "lake").exists()


def test_former_versions_are_kept_to_a_bound_and_the_current_never_deleted(lake, tmp_path):
    made = []
    for code in ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF"):
        lake.write(Teams, teams(code))
        made += lake.parts(Teams)
    assert {str(tmp_path / "lake" / path) for path in files(tmp_path / "lake")} == set(made[-KEPT - 1 :])
    lake.write(Teams, teams("DDD"))
    pd.testing.assert_frame_equal(lake.read(Teams), teams("DDD"))
    folders = {path.name for path in (tmp_path / "lake" / "teams").iterdir() if path.is_dir()}
    assert folders == {f"v{number}" for number in range(4, 8)}


def test_a_reader_whose_version_is_deleted_meanwhile_reads_the_new_one(lake, monkeypatch):
    lake.write(Teams, teams("ARS"))
    read, overtaken = Storage.read, []

    def slow(self: Storage, path: str) -> bytes:
        if path.endswith(".parquet") and not overtaken:
            overtaken.append(path)
            for code in ("AAA", "BBB", "CCC", "DDD", "EEE"):
                lake.write(Teams, teams(code))
        return read(self, path)

    monkeypatch.setattr(Storage, "read", slow)
    pd.testing.assert_frame_equal(lake.read(Teams), teams("EEE"))
    assert overtaken


def test_a_lost_part_is_named_and_written_again(lake):
    lake.write(Teams, teams("ARS"))
    Path(lake.parts(Teams)[0]).unlink()
    for use in (lambda: lake.read(Teams), lambda: lake.append(Teams, teams("LIV"))):
        with pytest.raises(LakeError, match=r"a part of teams is gone .*write the table again"):
            use()
    assert not lake.intact(Teams)
    lake.write(Teams, teams("ARS"))
    assert lake.intact(Teams)
    pd.testing.assert_frame_equal(lake.read(Teams), teams("ARS"))


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b + b"x", lambda b: bytes([b[0] ^ 1]) + b[1:]])
def test_a_damaged_part_is_named_and_written_again(lake, damage):
    lake.write(Teams, teams("ARS"))
    part = Path(lake.parts(Teams)[0])
    part.write_bytes(damage(part.read_bytes()))
    for use in (lambda: lake.read(Teams), lambda: lake.append(Teams, teams("LIV"))):
        with pytest.raises(LakeError, match=r"season=2526/\w+\.parquet: is not what was written"):
            use()
    lake.write(Teams, teams("ARS"))
    pd.testing.assert_frame_equal(lake.read(Teams), teams("ARS"))


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"fingerprint": "x", "parts": [{}], "former": []}'])
def test_a_damaged_pointer_is_named(lake, tmp_path, content):
    lake.write(Teams, teams("ARS"))
    (tmp_path / "lake" / "teams" / "current.json").write_text(content)
    for use in (lambda: lake.read(Teams), lambda: lake.write(Teams, teams("ARS"))):
        with pytest.raises(LakeError, match=r"teams/current\.json: is damaged"):
            use()


def test_a_lake_without_the_table_says_so(lake):
    assert lake.fingerprint(Teams) is None
    with pytest.raises(LakeError, match="has no table teams"):
        lake.read(Teams)


def test_the_identity_is_the_lakes_own_and_stays(tmp_path):
    one, other = Lake(str(tmp_path / "one")), Lake(str(tmp_path / "other"))
    assert one.identity() == Lake(f"file://{tmp_path}/one").identity() != other.identity()
    before = one.identity()
    one.write(Teams, teams("ARS"))
    assert one.identity() == before
    (tmp_path / "one" / "lake.json").write_text("{")
    with pytest.raises(LakeError, match=r"lake\.json: is damaged"):
        one.identity()


def test_a_store_that_ignores_conditions_is_refused(lake, monkeypatch):
    monkeypatch.setattr(Storage, "replace_if", lambda self, path, content, _: self.write(path, content))
    before = lake.identity()
    with pytest.raises(LakeError, match="ignores If-None-Match"):
        lake.write(Teams, teams("ARS"))
    assert lake.identity() == before and lake.fingerprint(Teams) is None


def test_a_root_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"file/lake: cannot .*(Not a directory|File exists).*; choose a writable"):
        Lake(str(tmp_path / "file" / "lake")).write(Teams, teams("ARS"))


def test_an_unknown_kind_of_root_is_named():
    with pytest.raises(StorageError, match="nowhere://x: cannot open"):
        Lake("nowhere://x")
