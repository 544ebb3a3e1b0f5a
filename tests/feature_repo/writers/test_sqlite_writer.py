"""What is SQLite's own: the file, which others replace, lock, or leave half written."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from feature_repo.error import FeatureStoreError
from feature_repo.writers import FeatureRow, WriteCounts, open_writer
from feature_repo.writers import sqlite as module
from feature_repo.writers.row import encode
from feature_repo.writers.sqlite import SqliteWriter
from serving.features import open_store
from serving.features.store import Rows

NOON = 1_780_000_000.0


def form(team: str, at: float = NOON, revision: int = 0, points: float = 1.0) -> FeatureRow:
    return FeatureRow("team_form", "team", team, at, revision, {"points": points})


def read(path: Path, *teams: str) -> Rows:
    async def rows() -> Rows:
        with closing(open_store(str(path))) as store:
            return await store.read("team", teams, {"team_form": ("points",)})

    return asyncio.run(rows())


def points(path: Path, team: str) -> object:
    return read(path, team)["team_form", team].values["points"]


def test_a_writer_notices_that_another_file_has_the_name(tmp_path: Path) -> None:
    path, draft = tmp_path / "new" / "online.db", tmp_path / "draft.db"
    with closing(open_writer(path)) as writer, closing(open_writer(draft)) as other:
        writer.write([form("ARS", points=1.0)])
        other.write([form("ARS", points=2.0)])
        draft.replace(path)
        assert writer.write([form("ARS", points=2.0), form("LIV")]) == WriteCounts(written=1, unchanged=1)
        path.unlink()
        assert writer.count_refills() == 0
        assert writer.write([form("ARS")]) == WriteCounts(written=1)
    assert points(path, "ARS") == 1.0


def test_a_file_that_is_replaced_while_a_writer_waits_for_it_gets_the_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, draft = tmp_path / "online.db", tmp_path / "draft.db"
    with closing(open_writer(draft)) as other:
        other.write([form("LIV")])
    real = sqlite3.connect

    def late(*arguments: object, **options: object) -> sqlite3.Connection:
        file = real(*arguments, **options)  # type: ignore[call-overload]
        if draft.exists():
            draft.replace(path)
        return file  # type: ignore[no-any-return]

    with closing(open_writer(path)) as writer:
        writer.write([form("ARS")])
        writer.close()
        monkeypatch.setattr(module.sqlite3, "connect", late)
        writer.write([form("MCI")])
    assert {team for _, team in read(path, "ARS", "LIV", "MCI")} == {"LIV", "MCI"}


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    with closing(SqliteWriter(path)) as writer:
        writer.write([form("ARS")])

        def rows() -> Iterator[FeatureRow]:
            yield form("LIV")
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            writer.write(rows())
        writer.write([form("MCI")])
    assert {team for _, team in read(path, "ARS", "LIV", "MCI")} == {"ARS", "MCI"}


def test_readers_find_the_former_rows_while_much_is_written(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    with closing(SqliteWriter(path)) as writer:
        writer.write(form(f"T{number}") for number in range(600))

        def rows() -> Iterator[FeatureRow]:
            for number in range(600):
                yield FeatureRow("team_form", "team", f"T{number}", NOON + 1, 0, {"points": 2.0, "text": "x" * 8000})

        with writer.transaction() as file:
            for row in map(encode, rows()):
                writer._write(file, row, None)
            assert points(path, "T0") == points(path, "T599") == 1.0
        assert points(path, "T0") == points(path, "T599") == 2.0


KILLED = """
import sqlite3, sys
file = sqlite3.connect(sys.argv[1], isolation_level=None)
file.execute("PRAGMA cache_size = 5")
file.execute("BEGIN IMMEDIATE")
file.execute("UPDATE matchday_team_form SET value = x'ff', event_ts = event_ts + 60")
print("half", flush=True)
sys.stdin.read()
"""
"""Memory for five pages: the others are written before the transaction ends."""


def test_a_reader_undoes_what_a_killed_writer_left_half_written(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    teams = [f"T{number}" for number in range(3000)]
    with closing(open_writer(path)) as writer:
        writer.write(form(team) for team in teams)
    command = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"half\n"
        killed.kill()
    assert path.with_name("online.db-journal").exists(), "the file was half written"
    rows = read(path, *teams[:500])
    assert {row.values["points"] for row in rows.values()} == {1.0}
    assert len(rows) == 500


def test_a_row_that_feast_alone_has_written_has_revision_0(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    with closing(open_writer(path)) as writer:
        writer.write([form("ARS", revision=9)])
        with closing(sqlite3.connect(path)) as file, file:
            file.execute("UPDATE matchday_team_form SET event_ts = event_ts + 60")
        assert writer.write([form("ARS", revision=10)]) == WriteCounts(older=1)
        assert writer.write([form("ARS", NOON + 60, revision=1)]) == WriteCounts(written=1)


def test_a_row_whose_event_time_nobody_can_read_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    with closing(open_writer(path)) as writer:
        writer.write([form("ARS")])
        with closing(sqlite3.connect(path)) as file, file:
            file.execute("UPDATE matchday_team_form SET event_ts = 'tomorrow'")
        assert writer.write([form("ARS", NOON - 60)]) == WriteCounts(written=1)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.05)
    garbage, locked = tmp_path / "garbage.db", tmp_path / "locked.db"
    garbage.write_bytes(b"no database" * 100)
    with closing(open_writer(garbage)) as writer:
        for act in (lambda: writer.write([form("ARS")]), writer.count_refills):
            with pytest.raises(FeatureStoreError, match=r"garbage\.db cannot be written: file is not a database"):
                act()
    with (
        closing(SqliteWriter(locked)) as first,
        closing(open_writer(locked)) as second,
        first.transaction(),
        pytest.raises(FeatureStoreError, match=r"locked\.db cannot be written: database is locked"),
    ):
        second.write([form("ARS")])
    with (
        closing(open_writer(garbage / "below" / "online.db")) as writer,
        pytest.raises(FeatureStoreError, match=r"below/online\.db cannot be written: .*Not a directory"),
    ):
        writer.write([form("ARS")])
