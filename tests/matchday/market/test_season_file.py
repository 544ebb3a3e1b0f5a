"""Season files with all that is odd about them."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.market.error import MarketError
from matchday.market.season_file import Moment, SeasonFile, read_season_file, season_of
from tests.matchday.market.season_files import BOTH, line, season_file

NAME = "E0.csv"


def read(*lines: list[object], odds: tuple[str, ...] = BOTH, without: tuple[str, ...] = ()) -> SeasonFile:
    return read_season_file(NAME, season_file(lines, odds, without))


def offered(found: SeasonFile, moment: Moment) -> list[tuple[str, float, float, float]]:
    rows = found.odds[found.odds["moment"] == moment.value]
    return list(rows[["book", "H", "D", "A"]].itertuples(index=False, name=None))


def test_a_match_has_its_odds_before_it_and_at_its_start() -> None:
    found = read(line())
    assert found.season == "2324"
    assert found.matches.to_dict("records") == [{"match_id": "2324-ARS-LIV", "home_goals": 2, "away_goals": 1}]
    assert offered(found, Moment.PRE_MATCH) == [("average", 2.0, 3.5, 4.0)]
    assert offered(found, Moment.CLOSING) == [("average", 2.1, 3.4, 3.9)]
    assert found.left_out == ()


@pytest.mark.parametrize(
    ("day", "season"),
    [
        (date(2019, 8, 9), "1920"),
        (date(2020, 7, 26), "1920"),  # after the break for the pandemic
        (date(2020, 9, 12), "2021"),
        (date(2000, 1, 3), "9900"),
        (date(1999, 8, 7), "9900"),
        (date(2026, 5, 24), "2526"),
    ],
)
def test_the_season_of_a_day(day: date, season: str) -> None:
    assert season_of(day) == season


@pytest.mark.parametrize("written", ["16/09/2023", "16/09/23", "16/9/23"])
def test_years_of_two_and_four_digits(written: str) -> None:
    assert read(line(date=written)).season == "2324"


def test_a_year_of_two_digits_of_the_first_files_is_of_the_last_century() -> None:
    assert read(line(date="14/08/93")).season == "9394"


def test_no_time_is_needed_in_any_season() -> None:
    """Files have times from 2019/20; a match is found by season and clubs."""
    assert len(read(line(), line("Fulham", "Everton"), without=("Time",)).matches) == 2


def test_the_season_is_that_of_most_dates_and_other_lines_are_told() -> None:
    found = read(line(), line("Fulham", "Everton"), line("Wolves", "Man City", date="16/09/2022"))
    assert found.season == "2324"
    assert len(found.matches) == 2
    assert found.left_out == (f"{NAME}: 1 line left out: it is of season 2223, and the file of 2324",)


def test_unknown_clubs_are_told_once_and_left_out() -> None:
    found = read(line("Wigan", "Arsenal"), line("Arsenal", "Wigan"), line("Nott'm Forest", "Spurs"))
    assert found.matches["match_id"].tolist() == ["2324-NFO-TOT"]
    assert found.left_out == (f"{NAME}: 2 lines left out: it names a club 'Wigan', which is not known here",)


def test_a_match_that_is_not_played_yet_and_one_that_comes_twice_are_left_out() -> None:
    coming = ["E0", "16/09/2023", "15:00", "Fulham", "Everton", "", "", "", *[2.0] * 6]
    found = read(line(), line(score=(0, 0)), coming)
    assert found.matches.to_dict("records") == [{"match_id": "2324-ARS-LIV", "home_goals": 2, "away_goals": 1}]
    assert found.left_out == (
        f"{NAME}: 1 line left out: it repeats the match 2324-ARS-LIV",
        f"{NAME}: 1 line left out: it has FTHG '', which is no number",
    )


@pytest.mark.parametrize("broken", [("", 3.5, 4.0), (2.0, "x", 4.0), (2.0, 3.5, 1.0), (0, 0, 0), ("nan", 3, 4)])
def test_a_book_with_a_cell_that_is_no_odds_gives_way_to_the_next(broken: tuple[object, ...]) -> None:
    odds = ("AvgH", "AvgD", "AvgA", "B365H", "B365D", "B365A")
    found = read(line(odds=(*broken, 2.2, 3.3, 3.6)), line("Fulham", "Everton", odds=[2.0] * 6), odds=odds)
    assert offered(found, Moment.PRE_MATCH) == [("bet365", 2.2, 3.3, 3.6), ("average", 2.0, 2.0, 2.0)]
    assert offered(found, Moment.CLOSING) == []


@pytest.mark.parametrize(
    ("odds", "moment", "book"),
    [
        (("B365H", "B365D", "B365A", "BbAvH", "BbAvD", "BbAvA"), Moment.PRE_MATCH, "average of Betbrain"),
        (("PSH", "PSD", "PSA", "B365H", "B365D", "B365A"), Moment.PRE_MATCH, "bet365"),
        (("PSCH", "PSCD", "PSCA", "B365CH", "B365CD", "B365CA"), Moment.CLOSING, "bet365"),
        (("PSCH", "PSCD", "PSCA", "MaxCH", "MaxCD", "MaxCA"), Moment.CLOSING, "Pinnacle"),
    ],
)
def test_the_preferred_book_of_the_columns_that_there_are(odds: tuple[str, ...], moment: Moment, book: str) -> None:
    found = read(line(odds=(2, 3, 4, 2, 3, 4)), odds=odds)
    assert [one[0] for one in offered(found, moment)] == [book]


def test_a_file_without_odds_has_matches_alone() -> None:
    found = read(line(odds=()), odds=())
    assert len(found.matches) == 1
    assert found.odds.columns.tolist() == ["match_id", "moment", "book", "H", "D", "A"]
    assert found.odds.empty


def test_lines_of_other_divisions_are_left_out() -> None:
    second = ["E1", *line("Leeds", "Ipswich")[1:]]
    assert read(line(), second).left_out == (f"{NAME}: 1 line left out: it is of another division",)
    with pytest.raises(MarketError, match=r"^E0.csv: it holds no match of the Premier League \(E0\), but E1$"):
        read(second)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "it has no column Date, HomeTeam, AwayTeam, FTHG, FTAG"),
        (season_file([line()], without=("FTHG", "FTAG")), "it has no column FTHG, FTAG"),
        (season_file([]), "but nothing"),
        (season_file([line(date="soon")]), "no line has a date; the last has the date 'soon', which is no day"),
        (season_file([line("Wigan")]), "no line can be used; the first because it names a club 'Wigan'"),
        (b"\x00", "it has no column Date"),
        (b"\xff\xfe\x00Date", "it has no column"),
    ],
)
def test_what_is_no_season_file_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(MarketError) as refused:
        read_season_file(NAME, body)
    assert reason in str(refused.value)
    assert str(refused.value).startswith("E0.csv: ")


WHOLE = season_file([line(), line("Fulham", "Everton"), line("Wigan", "Wolves")])


@given(place=some.integers(0, len(WHOLE)), length=some.integers(0, 30), put=some.binary(max_size=30))
def test_a_file_that_was_damaged_anywhere_is_read_or_refused(place: int, length: int, put: bytes) -> None:
    with suppress(MarketError):
        found = read_season_file(NAME, WHOLE[:place] + put + WHOLE[place + length :])
        assert len(found.matches) >= 1
        assert (found.odds[["H", "D", "A"]].to_numpy(float) > 1).all()
        assert set(found.odds["match_id"]) <= set(found.matches["match_id"])
        assert not found.odds.duplicated(["match_id", "moment"]).any()
