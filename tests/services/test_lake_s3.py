"""The lake in a bucket keeps the same promises as in a folder."""

import pandas as pd
import pytest

from matchday.lake import KEPT, Lake, LakeError
from matchday.storage import Storage, StorageError
from matchday.tables import TableError, Teams
from tests.services.s3 import BUCKET, s3, s3_endpoint  # noqa: F401

pytestmark = pytest.mark.services


def teams(*codes: str, season: str = "2526") -> pd.DataFrame:
    return pd.DataFrame({"season": season, "team": list(codes), "name": [f"Name of {code}" for code in codes]})


@pytest.fixture
def lake(s3: str) -> Lake:  # noqa: F811
    return Lake(f"{s3}/some/lake")


def test_what_is_written_is_read_by_another(lake):
    frame = pd.concat([teams("ARS", season="2425"), teams("LIV", "ARS")], ignore_index=True)
    version = lake.write(Teams, frame)
    other = Lake(lake.storage.url)
    assert other.fingerprint(Teams) == version == other.write(Teams, frame)
    assert other.identity() == lake.identity()
    pd.testing.assert_frame_equal(other.read(Teams), frame)
    pd.testing.assert_frame_equal(other.read(Teams, seasons=["2526"]), teams("LIV", "ARS"))
    assert lake.parts(Teams)[0] == f"s3://{BUCKET}/some/lake/teams/{version}/season=2425/part.parquet"


def test_the_fingerprint_is_that_of_the_same_rows_in_a_folder(lake, tmp_path):
    assert lake.write(Teams, teams("ARS", "LIV")) == Lake(str(tmp_path)).write(Teams, teams("ARS", "LIV"))


def test_versions_are_kept_to_a_bound(lake):
    made = [lake.write(Teams, teams(code)) for code in ("AAA", "BBB", "CCC", "DDD", "EEE")]
    assert set(lake.storage.folders("teams")) == set(made[-KEPT - 1 :])
    pd.testing.assert_frame_equal(lake.read(Teams), teams("EEE"))
    assert lake.storage.changed("teams") is not None


def test_a_write_killed_before_the_pointer_leaves_the_former_version(lake, monkeypatch):
    lake.write(Teams, teams("ARS"))
    write = Storage.write

    def dies(self: Storage, path: str, content: bytes) -> None:
        if path.endswith("current.json"):
            raise KeyboardInterrupt
        write(self, path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Storage, "write", dies)
        with pytest.raises(KeyboardInterrupt):
            lake.write(Teams, teams("LIV"))
    pd.testing.assert_frame_equal(lake.read(Teams), teams("ARS"))
    lake.write(Teams, teams("LIV"))
    pd.testing.assert_frame_equal(lake.read(Teams), teams("LIV"))


def test_a_broken_frame_never_gets_in(lake):
    with pytest.raises(TableError):
        lake.write(Teams, teams("Arsenal"))
    assert lake.storage.folders("teams") == []
    with pytest.raises(LakeError, match="has no table teams"):
        lake.read(Teams)


def test_a_bucket_that_is_not_there_is_named(s3):  # noqa: F811
    with pytest.raises(StorageError, match=r"s3://nowhere/lake: cannot write there .*AWS_ENDPOINT_URL"):
        Lake("s3://nowhere/lake").write(Teams, teams("ARS"))
