"""Folders of season files, whatever the files are called."""

from pathlib import Path

import pytest

from matchday.market.error import MarketError
from matchday.market.odds import read_odds
from tests.matchday.market.season_files import line, season_file

LATER = [line(), line("Fulham", "Everton")]


def test_names_say_nothing_and_folders_of_seasons_are_looked_into(tmp_path: Path) -> None:
    (tmp_path / "2223").mkdir()
    (tmp_path / "2223" / "E0.csv").write_bytes(season_file([line(date="16/09/22")]))
    (tmp_path / "E0_2324.CSV").write_bytes(season_file(LATER))
    (tmp_path / "notes.txt").write_text("no odds")
    found = read_odds(tmp_path)
    assert [(one.name, one.season) for one in found.files] == [("2223/E0.csv", "2223"), ("E0_2324.CSV", "2324")]
    assert sorted(found.matches["match_id"]) == ["2223-ARS-LIV", "2324-ARS-LIV", "2324-FUL-EVE"]
    assert len(found.odds) == 6
    assert found.left_out == ()


def test_one_file_is_a_place_too(tmp_path: Path) -> None:
    (tmp_path / "E0 (3).csv").write_bytes(season_file(LATER))
    assert [one.name for one in read_odds(tmp_path / "E0 (3).csv").files] == ["E0 (3).csv"]


def test_of_two_downloads_of_a_season_the_later_one_counts(tmp_path: Path) -> None:
    early = [line(odds=[9.0] * 6), line("Wolves", "Man City")]
    (tmp_path / "E0.csv").write_bytes(season_file(early))
    (tmp_path / "E0 (1).csv").write_bytes(season_file([*LATER, line("Chelsea", "Brentford")]))
    found = read_odds(tmp_path)
    assert sorted(found.matches["match_id"]) == ["2324-ARS-LIV", "2324-CHE-BRE", "2324-FUL-EVE", "2324-WOL-MCI"]
    assert found.odds["H"].max() == 2.1
    assert len(found.odds) == 8
    assert found.left_out == ("E0.csv: it is of season 2324, as is E0 (1).csv, which counts where both have a match",)


def test_odds_that_the_later_download_lacks_are_those_of_the_other(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(season_file([line(odds=[""] * 6), line("Fulham", "Everton")]))
    (tmp_path / "b.csv").write_bytes(season_file([line(odds=[5.0] * 6)]))
    found = read_odds(tmp_path)
    assert set(found.odds.loc[found.odds["match_id"] == "2324-ARS-LIV", "H"]) == {5.0}


def test_files_that_cannot_be_used_are_told_and_the_others_read(tmp_path: Path) -> None:
    (tmp_path / "E1.csv").write_bytes(season_file([["E1", *line()[1:]]]))
    (tmp_path / "shopping.csv").write_text("milk,eggs\n2,12\n")
    (tmp_path / "E0.csv").write_bytes(season_file(LATER))
    assert read_odds(tmp_path).left_out == (
        "E1.csv: it holds no match of the Premier League (E0), but E1",
        "shopping.csv: it has no column Date, HomeTeam, AwayTeam, FTHG, FTAG",
    )


def test_a_place_without_odds_is_refused_with_what_to_do(tmp_path: Path) -> None:
    for place, reason in [(tmp_path / "nowhere", "there is no folder"), (tmp_path, "no CSV file; download E0.csv")]:
        with pytest.raises(MarketError, match=reason) as refused:
            read_odds(place)
        assert "football-data.co.uk" in str(refused.value)
    (tmp_path / "E0.csv").write_bytes(b"Div\nE0\n")
    with pytest.raises(MarketError, match=r"holds no odds: E0.csv: it has no column Date"):
        read_odds(tmp_path)
