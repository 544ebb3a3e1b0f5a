"""The lake: what is written is read, a version is seen whole or not at all, and damage is named."""

import os
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.typing.pandas import Series

from matchday.lake import KEPT, Lake, LakeError
from matchday.storage import Storage, StorageError
from matchday.tables import Table, TableError, Teams
from matchday.tables.fingerprint import fingerprint


class Points(Table):
    """A table without seasons."""

    x: Series[int]


def teams(*codes: str, season: str = "2526") -> pd.DataFrame:
    return pd.DataFrame({"season": season, "team": list(codes), "name": [f"Name of {code}" for code in codes]})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


codes = st.lists(st.from_regex(r"\A[A-Z]{3}\Z"), unique=True, max_size=8)
seasons = st.sampled_from(["2324", "2425", "2526"])


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = [(draw(seasons), code, f"Name of {code}") for code in draw(codes)]
    return pd.DataFrame(rows, columns=["season", "team", "name"], dtype=object)


def stored(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values("season", kind="stable", ignore_index=True)


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
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    lake.write(Teams, teams("ARS", "LIV"))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_the_layout_is_table_version_season(lake, tmp_path):
    version = lake.write(Teams, pd.concat([teams("ARS"), teams("ARS", season="2425")]))
    root = tmp_path / "lake"
    assert lake.parts(Teams) == [
        str(root / "teams" / version / f"season={season}" / "part.parquet") for season in ("2425", "2526")
    ]
    assert all(Path(part).is_file() for part in lake.parts(Teams))


def test_a_table_without_seasons_has_one_part(lake):
    frame = pd.DataFrame({"x": [3, 1, 2]})
    version = lake.write(Points, frame)
    assert [part.split(version)[1] for part in lake.parts(Points)] == ["/part.parquet"]
    pd.testing.assert_frame_equal(lake.read(Points), frame)
    with pytest.raises(LakeError, match="points has no seasons"):
        lake.read(Points, seasons=["2526"])


def test_the_fingerprint_is_of_rows_in_order_not_of_bytes(tmp_path):
    one = pa.table({"x": [1, None, 3], "y": [0.5, float("nan"), None], "z": ["a", None, ""]})
    chunked = pa.concat_tables([one.slice(0, 1), one.slice(1)])
    for compression in ("zstd", "none"):
        pq.write_table(chunked, tmp_path / compression, compression=compression, row_group_size=1)
        assert fingerprint(pq.read_table(tmp_path / compression)) == fingerprint(one)
    assert fingerprint(one.take([0, 2, 1])) != fingerprint(one)
    assert fingerprint(one.rename_columns(["x", "y", "w"])) != fingerprint(one)
    assert fingerprint(one.set_column(0, "x", pa.array([1, 0, 3]))) != fingerprint(one)
    assert fingerprint(one.set_column(2, "z", pa.array(["a", "", ""]))) != fingerprint(one)
    assert fingerprint(one.set_column(0, "x", pa.array([1, None, 3], pa.int32()))) != fingerprint(one)


def test_a_frame_that_breaks_its_schema_leaves_no_trace(lake, tmp_path):
    with pytest.raises(TableError, match="table teams, column team"):
        lake.write(Teams, teams("Arsenal"))
    assert not (tmp_path / "lake").exists()


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("survived", range(5))
def test_whatever_write_a_killed_process_reached_readers_see_one_whole_version(lake, monkeypatch, survived):
    old, new = teams("ARS", "LIV"), pd.concat([teams("CHE"), teams("CHE", season="2425")])
    lake.write(Teams, old)
    calls, write = [], Storage.write

    def dies(self: Storage, path: str, content: bytes) -> None:
        if len(calls) == survived:
            raise Killed
        calls.append(path)
        write(self, path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Storage, "write", dies)
        try:
            lake.write(Teams, new)
        except Killed:
            pass
        else:
            assert survived >= 3, "two parts and the pointer are written"
    done = survived >= 3
    pd.testing.assert_frame_equal(lake.read(Teams), stored(new if done else old))
    lake.write(Teams, new)
    pd.testing.assert_frame_equal(lake.read(Teams), stored(new))


def test_a_file_is_replaced_whole_or_left_alone(tmp_path, monkeypatch):
    storage = Storage(str(tmp_path))
    storage.write("a", b"former")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            storage.write("a", b"later")
    assert storage.read("a") == b"former"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_former_versions_are_kept_to_a_bound_and_the_current_never_swept(lake, tmp_path):
    made = [lake.write(Teams, teams(code)) for code in ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF")]
    kept = {path.name for path in (tmp_path / "lake" / "teams").iterdir() if path.is_dir()}
    assert kept == set(made[-KEPT - 1 :])
    assert lake.write(Teams, teams("DDD")) == made[3]
    pd.testing.assert_frame_equal(lake.read(Teams), teams("DDD"))


def test_an_abandoned_version_is_swept_once_it_is_old(lake, tmp_path):
    for age, gone in ((60, False), (86_400, True)):
        part = tmp_path / "lake" / "teams" / f"left{age}" / "part.parquet"
        part.parent.mkdir(parents=True)
        part.write_bytes(b"half")
        os.utime(part, (time.time() - age,) * 2)
        lake.write(Teams, teams("ARS", "LIV") if gone else teams("ARS"))
        assert part.exists() is not gone


def test_a_reader_overtaken_by_a_sweep_reads_the_new_version(lake, monkeypatch):
    lake.write(Teams, teams("ARS"))
    read, overtaken = Storage.read, []

    def slow(self: Storage, path: str) -> bytes:
        if path.endswith(".parquet") and not overtaken:
            overtaken.append(path)
            self.remove(path.rsplit("/", 1)[0])
            lake.write(Teams, teams("LIV"))
        return read(self, path)

    monkeypatch.setattr(Storage, "read", slow)
    pd.testing.assert_frame_equal(lake.read(Teams), teams("LIV"))


def test_a_lost_part_is_named_and_written_again(lake):
    lake.write(Teams, teams("ARS"))
    Path(lake.parts(Teams)[0]).unlink()
    with pytest.raises(LakeError, match=r"a part of teams is gone .*write the table again"):
        lake.read(Teams)
    lake.write(Teams, teams("ARS"))
    pd.testing.assert_frame_equal(lake.read(Teams), teams("ARS"))


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b + b"x", lambda b: bytes([b[0] ^ 1]) + b[1:]])
def test_a_damaged_part_is_named(lake, damage):
    lake.write(Teams, teams("ARS"))
    part = Path(lake.parts(Teams)[0])
    part.write_bytes(damage(part.read_bytes()))
    with pytest.raises(LakeError, match=r"season=2526/part\.parquet: is not what was written"):
        lake.read(Teams)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"fingerprint": "x", "parts": [{}], "former": []}'])
def test_a_damaged_pointer_is_named(lake, tmp_path, content):
    lake.write(Teams, teams("ARS"))
    (tmp_path / "lake" / "teams" / "current.json").write_text(content)
    with pytest.raises(LakeError, match=r"teams/current\.json: is damaged"):
        lake.read(Teams)


def test_a_lake_without_the_table_says_so(lake):
    assert lake.fingerprint(Teams) is None
    with pytest.raises(LakeError, match="has no table teams"):
        lake.read(Teams)


def test_the_identity_is_the_lakes_own_and_stays(tmp_path):
    one, other = Lake(str(tmp_path / "one")), Lake(str(tmp_path / "other"))
    assert one.identity() == Lake(f"file://{tmp_path}/one").identity() != other.identity()
    (tmp_path / "one" / "lake.json").write_text("{")
    with pytest.raises(LakeError, match=r"lake\.json: is damaged"):
        one.identity()


def test_a_root_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"file/lake: cannot .*(Not a directory|File exists).*; choose a writable"):
        Lake(str(tmp_path / "file" / "lake")).write(Teams, teams("ARS"))


def test_an_unknown_kind_of_root_is_named():
    with pytest.raises(StorageError, match="nowhere://x: cannot open"):
        Lake("nowhere://x")
