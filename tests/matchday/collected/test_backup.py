"""Backups: whole or refused, and nothing newer is overwritten by accident."""

import io
import tarfile
from pathlib import Path

import pandas as pd
import pytest

from matchday.collected.backup import BackupError, backup, restore
from matchday.collected.errors import CollectedError
from matchday.collected.layout import BATCHES
from matchday.collected.quarantine import Quarantine, refuse_unreadable
from matchday.collected.store import TABLES, ObservationStore
from matchday.storage import Storage
from matchday.tables.observed import ObservedFixtures, ObservedPlayers
from tests.matchday.collected.machine import unreadable
from tests.matchday.collected.observations import at, fixtures, match, player, players
from tests.matchday.collected.test_update_killed import Killed, dying


def collected(folder: Path, *days: float) -> str:
    """A root with some observations of each day, a row in quarantine and a raw answer."""
    store = ObservationStore(str(folder))
    for day in days:
        store.add(ObservedFixtures, fixtures(match(day, gameweek=int(day) % 38 + 1)))
        store.add(ObservedPlayers, players(player(day, price=50 + int(day))))
    Quarantine(store.lake).keep(refuse_unreadable([unreadable()], at(1)))
    store.lake.storage.write("raw/bodies/abc.gz", b"as received")
    return str(folder)


def content(url: str) -> dict[str, bytes]:
    storage = Storage(url)
    return {path: storage.read(path) for path in storage.files("") if "/." not in f"/{path}"}


@pytest.fixture
def root(tmp_path):
    return collected(tmp_path / "collected", 1, 2)


@pytest.fixture
def archive(root, tmp_path):
    target = str(tmp_path / "backups" / "one.tar")
    backup(root, target)
    return target


def test_a_backup_restored_elsewhere_is_the_same(root, tmp_path):
    target = str(tmp_path / "one.tar")
    made = backup(root, target)
    assert (made.observations, made.newest, made.bytes) == (4, at(2), Path(target).stat().st_size)
    other = str(tmp_path / "other")
    assert restore(other, target) == made
    assert content(other) == content(root) and made.files == len(content(root))
    for table in TABLES:
        pd.testing.assert_frame_equal(ObservationStore(other).read(table), ObservationStore(root).read(table))
    assert len(Quarantine(ObservationStore(other).lake).rows()) == 1
    restored = ObservationStore(other)
    assert len(restored.add(ObservedFixtures, fixtures(match(3, gameweek=9)))) == 1, "and it goes on from there"


def test_the_same_content_makes_the_same_archive(root, tmp_path):
    for file in ("one.tar", "two.tar"):
        backup(root, f"file://{tmp_path / file}")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_newer_observations_are_not_overwritten_unless_told(root, archive):
    collected(Path(root), 3)
    before = content(root)
    with pytest.raises(BackupError, match=r"holds what the backup lacks \(1 of observed_fixtures, 1 of obs"):
        restore(root, archive)
    assert content(root) == before
    restore(root, archive, replace=True)
    assert ObservationStore(root).newest_moment() == at(2)


def test_forecasts_that_the_backup_lacks_are_not_lost_unless_told(root, archive):
    batch = f"{BATCHES}/{'a' * 64}.json"
    Storage(root).write(batch, b"{}")
    with pytest.raises(BackupError, match=r"lacks \(1 of batches of forecasts\)"):
        restore(root, archive)
    assert batch in content(root)
    restore(root, archive, replace=True)
    assert batch not in content(root)


def test_a_root_that_has_less_is_restored(tmp_path, archive):
    other = collected(tmp_path / "other", 1)
    restore(other, archive)
    assert ObservationStore(other).newest_moment() == at(2)


def rewritten(archive: str, change) -> str:
    """The archive with changed members: `change` takes path and content, and returns them, or None to leave it out."""
    packed = io.BytesIO()
    with tarfile.open(archive) as old, tarfile.open(fileobj=packed, mode="w") as new:
        for one in old.getmembers():
            if (kept := change(one.name, old.extractfile(one).read())) is not None:
                member = tarfile.TarInfo(kept[0])
                member.size = len(kept[1])
                new.addfile(member, io.BytesIO(kept[1]))
    Path(archive).write_bytes(packed.getvalue())
    return archive


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda path, body: None if path.endswith(".parquet") else (path, body), "is not whole"),
        (lambda path, body: None if path == "SHA256SUMS" else (path, body), "no backup of Matchday"),
        (lambda path, body: (path, body[:-1] + b"x") if path.endswith(".gz") else (path, body), "is damaged: raw/"),
        (lambda path, body: (path.replace("raw/", "../"), body.replace(b"raw/", b"../")), "outside of its folder"),
    ],
)
def test_an_archive_that_is_not_whole_is_refused(root, archive, change, reason):
    before = content(root)
    with pytest.raises(BackupError, match=reason):
        restore(root, rewritten(archive, change), replace=True)
    assert content(root) == before


@pytest.mark.parametrize("share", [0, 1, 500, 5000])
def test_a_part_of_an_archive_is_refused(root, archive, share):
    Path(archive).write_bytes(Path(archive).read_bytes()[:share])
    with pytest.raises(BackupError, match=r"no backup of Matchday|not whole"):
        restore(root, archive)


def test_what_is_not_there_is_said(root, tmp_path):
    with pytest.raises(BackupError, match="is not there"):
        restore(root, str(tmp_path / "none.tar"))
    with pytest.raises(BackupError, match="nothing to back up"):
        backup(str(tmp_path / "empty"), str(tmp_path / "a.tar"))
    with pytest.raises(BackupError, match="another place"):
        backup(root, f"{root}/a.tar")
    with pytest.raises(BackupError, match="names no file"):
        backup(root, f"{tmp_path}/")


@pytest.mark.parametrize("survived", [0, 1, 3, 6, 9])
def test_a_restore_that_is_killed_is_finished_by_the_next(tmp_path, root, archive, survived):
    """Until then nothing reads the half of it."""
    other = collected(tmp_path / "other", 5)
    expected = content(root)
    with pytest.raises(Killed), dying(survived):
        restore(other, archive, replace=True)
    if survived:
        with pytest.raises(CollectedError, match="a restore began and did not end"):
            ObservationStore(other)
        restore(other, archive)
    else:
        restore(other, archive, replace=True)
    assert content(other) == expected
