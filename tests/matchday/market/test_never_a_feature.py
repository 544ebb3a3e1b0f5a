"""Odds are never a feature, never trained on, and in no file of the repository or of an image."""

import ast
import re
from functools import cache

import pytest

from matchday.settings import REPOSITORY
from matchday.sources.snapshot import TABLES
from matchday.tables import columns, name
from matchday.tables.match_features import MatchFeatures
from matchday.tables.team_form import TeamForm
from matchday.tables.team_ratings import TeamRatings
from tests.test_repository import project, tracked

ROOMS = project()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
MARKET, ODDS = "matchday.market", "ObservedOdds"
KEPT_BY = {"matchday/sources/football_data_uk.py", "matchday/collected/store.py"}
"""What reads odds from a source, and keeps them as they came."""
ODDS_COLUMNS = re.compile(r"\b(B365|Avg|BbAv|Max|PS|odds)C?_?[HDA]?\b", re.IGNORECASE)


@cache
def imports() -> dict[str, set[str]]:
    """What each module of ours imports, by its path: `package.module.name`."""
    found: dict[str, set[str]] = {}
    for room in ROOMS:
        for path in sorted((REPOSITORY / room).rglob("*.py")):
            nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
            plain = {one.name for node in nodes if isinstance(node, ast.Import) for one in node.names}
            named = {
                f"{node.module}.{one.name}" for node in nodes if isinstance(node, ast.ImportFrom) for one in node.names
            }
            found[path.relative_to(REPOSITORY).as_posix()] = plain | named
    return found


def test_the_command_line_alone_imports_the_market() -> None:
    importers = {path for path, found in imports().items() if any(one.startswith(MARKET) for one in found)}
    assert importers, "the test sees imports"
    assert not {path for path in importers if not path.startswith(("matchday/market/", "console/"))}


def test_collected_odds_are_read_by_their_source_and_their_store_alone() -> None:
    assert {path for path, found in imports().items() if any(one.endswith(ODDS) for one in found)} == KEPT_BY


@pytest.mark.parametrize("table", [*TABLES, TeamForm, TeamRatings, MatchFeatures], ids=name)
def test_no_table_of_the_history_or_of_features_has_odds(table: type) -> None:
    assert not [column for column in columns(table) if ODDS_COLUMNS.fullmatch(column)]


def test_no_file_of_the_repository_holds_odds() -> None:
    """Images copy nothing that is not in it."""
    headers = (b"AvgH,AvgD", b"B365H,B365D", b"AvgCH,AvgCD", b"B365CH,B365CD")
    data = [path for path in tracked() if path.suffix.lower() in {".csv", ".parquet", ".zst", ".json", ".txt"}]
    assert data, "the test sees files"
    assert not [path for path in data if any(header in path.read_bytes() for header in headers)]
    assert not [path for path in tracked() if re.fullmatch(r"E0.*\.csv", path.name, re.IGNORECASE)]
