"""A home with two real seasons in its lake, features made."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from matchday import history
from matchday.features import tables
from matchday.lake import Lake
from matchday.settings import Settings
from matchday.sources.snapshot import Snapshot
from tests import league

SEASONS = ("2425", "2526")


@pytest.fixture(scope="module")
def two_seasons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a home whose lake has 2024/25 and 2025/26."""
    root = tmp_path_factory.mktemp("two-seasons")
    league.bundled(root / "data", SEASONS)
    settings = Settings(home=root / "home", snapshot=root / "data")
    lake = Lake(settings.lake)
    tables.build(lake, history.ingest(Snapshot(settings.snapshot), lake).history)
    return settings


@pytest.fixture(scope="module")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder for a bundle."""
    return tmp_path_factory.mktemp("bundle") / "bundle"
