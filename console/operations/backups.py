"""Copies of what was collected: made, and taken back."""

from matchday.collected import backup as archives
from matchday.collected.backup import BackupSummary
from matchday.settings import Settings


def backup(target: str) -> BackupSummary:
    """Write an archive of what was collected to a file or an s3:// URL. Raises BackupError."""
    return archives.backup(Settings().collected, target)


def restore(source: str, *, replace: bool) -> BackupSummary:
    """Make what was collected that of an archive. Raises BackupError."""
    return archives.restore(Settings().collected, source, replace=replace)
