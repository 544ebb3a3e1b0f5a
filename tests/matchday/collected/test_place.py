"""What was collected lives apart from what can be made again."""

import subprocess
from pathlib import Path

import pytest

from matchday.settings import REPOSITORY, Settings


def test_it_lies_below_home_and_outside_the_lake(home: Path) -> None:
    settings = Settings()
    assert settings.collected == str(home.resolve() / "collected")
    assert not settings.collected.startswith(settings.lake)


def test_it_may_lie_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHDAY_COLLECTED", "s3://bucket/collected")
    assert Settings().collected == "s3://bucket/collected"


def clean(folder: Path) -> None:
    subprocess.run(["make", "-s", "-f", str(REPOSITORY / "Makefile"), "clean"], cwd=folder, check=True)


def test_make_clean_leaves_it(tmp_path: Path) -> None:
    for path in ("lake/lake.json", "mlflow/mlflow.db", ".hidden", "collected/raw/bodies/a.gz", "collected/lake.json"):
        file = tmp_path / ".matchday" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)
    clean(tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {".matchday/collected/raw/bodies/a.gz", ".matchday/collected/lake.json"}


def test_make_clean_deletes_the_folder_when_nothing_was_collected(tmp_path: Path) -> None:
    (tmp_path / ".matchday" / "lake").mkdir(parents=True)
    clean(tmp_path)
    clean(tmp_path)
    assert not (tmp_path / ".matchday").exists()
