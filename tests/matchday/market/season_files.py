"""Season files in the format of football-data.co.uk, with results and odds that are made up."""

from collections.abc import Sequence

RESULT = ("Div", "Date", "Time", "HomeTeam", "AwayTeam", "FTHG", "FTAG", "FTR")
BOTH = ("AvgH", "AvgD", "AvgA", "AvgCH", "AvgCD", "AvgCA")


def line(
    home: str = "Arsenal",
    away: str = "Liverpool",
    date: str = "16/09/2023",
    score: tuple[int, int] = (2, 1),
    odds: Sequence[object] = (2.0, 3.5, 4.0, 2.1, 3.4, 3.9),
) -> list[object]:
    """The cells of a match, with times; odds: in the order of the file's odds columns."""
    home_goals, away_goals = score
    sign = "HDA"[1 - (home_goals > away_goals) + (home_goals < away_goals)]
    return ["E0", date, "15:00", home, away, home_goals, away_goals, sign, *odds]


def season_file(lines: Sequence[Sequence[object]], odds: Sequence[str] = BOTH, without: Sequence[str] = ()) -> bytes:
    """A file with byte order mark, CRLF and two trailing empty cells. without: columns that it lacks."""
    header = [*RESULT, *odds]
    kept = [place for place, column in enumerate(header) if column not in without]
    rows = [[str(cells[place]) for place in kept] for cells in (header, *lines)]
    return "".join(",".join([*row, "", ""]) + "\r\n" for row in rows).encode("utf-8-sig")
