"""A lake that an earlier release wrote is read as it is, and takes new versions. `format1/` was written by that one."""

import os
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest

from matchday.lake import Lake, LakeError
from matchday.tables import Teams
from tests.matchday.lake.rows import files, teams

OLD = Path(__file__).with_name("format1")
FINGERPRINT, FORMER = "c308872daf3ae5ecb0bc70b91ca7f335", "89fcf673328c28b7bc679e2f820e9b7f"
ROWS = pd.concat([teams("ARS", "CHE", season="2425"), teams("LIV", "ARS")], ignore_index=True)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    shutil.copytree(OLD, tmp_path / "lake")
    return Lake(str(tmp_path / "lake"))


def test_it_is_read_as_it_is(lake, tmp_path):
    before = files(tmp_path / "lake")
    assert lake.fingerprint(Teams) == FINGERPRINT and lake.intact(Teams)
    pd.testing.assert_frame_equal(lake.read(Teams), ROWS)
    pd.testing.assert_frame_equal(lake.read(Teams, ["2425"]), ROWS[:2])
    assert lake.write(Teams, ROWS) == FINGERPRINT
    assert lake.parts(Teams)[0].endswith(f"teams/{FINGERPRINT}/season=2425/part.parquet")
    assert files(tmp_path / "lake") == before


@pytest.mark.parametrize("write", ["write", "write_seasons", "append"])
def test_it_takes_new_versions_that_share_its_parts(lake, tmp_path, write):
    old = lake.parts(Teams)
    frame = {"write": pd.concat([ROWS, teams("WHU")]), "write_seasons": pd.concat([ROWS[2:], teams("WHU")])}
    getattr(lake, write)(Teams, frame.get(write, teams("WHU")))
    assert set(lake.read(Teams)["team"]) == {"ARS", "CHE", "LIV", "WHU"} and len(lake.read(Teams)) == 5
    assert lake.parts(Teams)[0] == old[0] and "/v1/season=2526/" in lake.parts(Teams)[1]
    fresh = Lake(str(tmp_path / "fresh"))
    assert fresh.write(Teams, lake.read(Teams)) == lake.fingerprint(Teams)


def test_its_parts_are_deleted_once_no_version_needs_them_and_an_abandoned_one_once_it_is_old(lake, tmp_path):
    root, last = tmp_path / "lake", time.time() - 86_400
    for path in root.rglob("*.parquet"):
        os.utime(path, (last, last))
    fresh = root / "teams" / ("0" * 32) / "season=2526" / "part.parquet"
    fresh.parent.mkdir(parents=True)
    fresh.write_bytes(b"of a writer at work")
    lake.write_seasons(Teams, teams("AAA"))
    assert {path.split("/")[1] for path in files(root)} == {FINGERPRINT, "v1", "0" * 32}
    for code in ("BBB", "CCC", "DDD"):
        lake.write(Teams, teams(code))
    assert {path.split("/")[1] for path in files(root)} == {FINGERPRINT, "v1", "v2", "v3", "v4", "0" * 32}
    lake.write(Teams, teams("EEE"))
    assert {path.split("/")[1] for path in files(root)} == {"v2", "v3", "v4", "v5", "0" * 32}


def test_a_lake_of_a_later_release_is_refused(lake, tmp_path):
    lake.write(Teams, teams("ARS"))
    pointer = tmp_path / "lake" / "teams" / "current.json"
    pointer.write_text(pointer.read_text().replace('"format": 2', '"format": 3'))
    for use in (lambda: lake.read(Teams), lambda: lake.write(Teams, teams("LIV"))):
        with pytest.raises(LakeError, match=r"current\.json: has format 3 of a later release; use that one"):
            use()
