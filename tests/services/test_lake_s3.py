"""The lake in a bucket keeps the same promises as in a folder."""

import subprocess
import sys
from typing import Any

import pandas as pd
import pytest

from matchday.lake import KEPT, Lake, LakeError
from matchday.lake.pointer import Pointer
from matchday.settings import REPOSITORY
from matchday.storage import PreconditionFailed, StorageError
from matchday.tables import TableError, Teams
from tests.matchday.lake.rows import Goals, acknowledged, goals, teams
from tests.matchday.storage.contract import check_one_of_two_writers_succeeds
from tests.services.s3 import BUCKET, s3, s3_endpoint  # noqa: F401
from tests.waiting import eventually

pytestmark = pytest.mark.services


@pytest.fixture
def lake(s3: str) -> Lake:  # noqa: F811
    return Lake(f"{s3}/some/lake")


def parquet(lake, table):
    return {path for path in lake.storage.files(table) if path.endswith(".parquet")}


def test_what_is_written_is_read_by_another(lake):
    frame = pd.concat([teams("ARS", season="2425"), teams("LIV", "ARS")], ignore_index=True)
    version = lake.write(Teams, frame)
    lake.write(Goals, goals(1))
    other = Lake(lake.storage.url)
    assert other.fingerprint(Teams) == version == other.write(Teams, frame)
    assert other.identity() == lake.identity()
    pd.testing.assert_frame_equal(other.read(Teams), frame)
    pd.testing.assert_frame_equal(other.read(Teams, seasons=["2526"]), teams("LIV", "ARS"))
    assert lake.parts(Teams)[0].startswith(f"s3://{BUCKET}/some/lake/teams/v1/season=2425/")
    assert set(other.storage.files("teams")) == {"teams/current.json", *parquet(lake, "teams")}


def test_the_fingerprint_is_that_of_the_same_rows_in_a_folder(lake, tmp_path):
    assert lake.write(Teams, teams("ARS", "LIV")) == Lake(str(tmp_path)).write(Teams, teams("ARS", "LIV"))


def test_versions_are_kept_to_a_bound(lake):
    made = []
    for code in ("AAA", "BBB", "CCC", "DDD", "EEE"):
        lake.write(Teams, teams(code))
        made += lake.parts(Teams)
    assert parquet(lake, "teams") == {part.removeprefix(f"{lake.storage.url}/") for part in made[-KEPT - 1 :]}
    pd.testing.assert_frame_equal(lake.read(Teams), teams("EEE"))


class Dying:
    """s3fs for a process that ends before the n-th request."""

    def __init__(self, fs: Any, survived: int) -> None:
        self.fs, self.left = fs, survived

    def __getattr__(self, name: str) -> Any:
        def request(*arguments: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return getattr(self.fs, name)(*arguments, **named)

        return request


@pytest.mark.parametrize("way", ["write", "append"])
def test_a_writer_killed_before_any_request_leaves_a_whole_version(lake, way):
    """Four versions are there, so that the killed write also deletes."""
    for code in ("AAA", "BBB", "CCC", "DDD"):
        lake.write(Teams, teams(code))
    before, new, states = {"DDD"}, teams("LIV", season="2425"), []
    after = {"LIV"} | (before if way == "append" else set())
    for survived in range(30):
        doomed = Lake(lake.storage.url)
        doomed.storage._fs = Dying(doomed.storage._fs, survived)
        try:
            getattr(doomed, way)(Teams, new)
        except KeyboardInterrupt:
            states.append(set(lake.read(Teams)["team"]))
            assert states[-1] in (before, after)
        else:
            break
        lake.write(Teams, teams("DDD"))
    assert before in states and after in states and survived > 5


def test_writers_in_a_bucket_race_and_are_killed_and_lose_no_row(lake, tmp_path):
    notes, url = tmp_path / "notes", lake.storage.url

    def start(writer, last):
        code = f"from tests.matchday.lake.rows import *; append_many({url!r}, {str(notes)!r}, {writer}, 0, {last})"
        return subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY)

    lake.write(Goals, goals(0))
    doomed, *_ = writers = [start(1, 100), start(2, 6), start(3, 6)]
    try:
        eventually(lambda: len(acknowledged(notes)) > 3 and any(x // 1000 == 1 for _, x in acknowledged(notes)), 300)
        doomed.kill()
        assert [writer.wait(timeout=300) for writer in writers] == [-9, 0, 0]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    rows = set(lake.read(Goals)[["season", "x"]].itertuples(index=False, name=None))
    assert rows >= acknowledged(notes) and {x for _, x in rows if x >= 2000} == {
        writer * 1000 + x for writer in (2, 3) for x in range(6)
    }
    lake.append(Goals, goals(1))
    version = Pointer(lake.storage, "goals").read()
    assert version is not None and parquet(lake, "goals") == version.paths()


def test_of_two_writers_with_one_tag_one_succeeds(lake):
    storage = lake.storage
    tag = check_one_of_two_writers_succeeds(storage, '"other"')
    storage.delete(["a", "none"])
    with pytest.raises(PreconditionFailed, match="deleted meanwhile"):
        storage.replace_if("a", b"4", tag)


def test_a_broken_frame_never_gets_in(lake):
    with pytest.raises(TableError):
        lake.write(Teams, teams("Arsenal"))
    assert lake.storage.files("teams") == {}
    with pytest.raises(LakeError, match="has no table teams"):
        lake.read(Teams)


def test_a_bucket_that_is_not_there_is_named(s3):  # noqa: F811
    with pytest.raises(StorageError, match=r"s3://nowhere/lake: cannot write there .*AWS_ENDPOINT_URL"):
        Lake("s3://nowhere/lake").write(Teams, teams("ARS"))
