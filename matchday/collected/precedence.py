"""Which source is believed for which field of a match, and where sources disagree.

| field | believed |
| --- | --- |
| kick-off, gameweek | fpl, else football_data_org, else football_data_uk; one that says "no date yet" is believed too |
| result | the score that two sources agree on, else fpl's, else football_data_org's, else football_data_uk's |
| awarded, abandoned, cancelled | football_data_org alone, as the others do not tell such matches from ordinary ones |

- Awarded: the score of the award is the result, whatever was played.
- Abandoned: no result, and no fixture, until a source sets a later kick-off.
- Cancelled: no result and no fixture.
- Postponed: no fixture while it has no kick-off; once it has one it is a fixture with its new kick-off and gameweek.
- Withdrawn: a source that had a result and now has none outweighs the sources below it that said theirs before. What
  they say after the withdrawal counts again.
- A source that is merely late, or no longer lists a match, withdraws nothing: what it said last holds.
- A played match has the kick-off of the first source that gives one, even when a source above it gives none.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from matchday.collected.report import Disagreement
from matchday.sources.live import FOOTBALL_DATA_ORG, LIVE_SOURCES

ORDER = tuple(LIVE_SOURCES)
"""Sources, the one that is believed first. Others come after, by name."""

REFEREE = FOOTBALL_DATA_ORG.name
"""The source that tells awarded, abandoned and cancelled matches."""

WITH_RESULT = ("finished", "awarded")

Score = tuple[int, int]
"""Goals of the home and the away team."""


@dataclass(frozen=True)
class Statement:
    """What one source says of a match since `known_at`. withdrawn: it had a result before, and has none since then."""

    source: str
    known_at: datetime
    kickoff: datetime | None
    gameweek: int | None
    status: str
    score: Score | None
    withdrawn: bool = False


@dataclass(frozen=True)
class BelievedMatch:
    """What is believed of a match.

    status: scheduled, postponed (it has no kick-off), finished, awarded, abandoned or cancelled.
    score: of the result that stands, None without one. kickoff_exact: given to the minute.
    """

    match_id: str
    kickoff: datetime | None
    gameweek: int | None
    status: str
    score: Score | None
    kickoff_exact: bool


def statements(rows: pd.DataFrame) -> dict[str, list[Statement]]:
    """What each source says of each match, the most believed source first, by match_id.

    rows: versions of `ObservedFixtures`, all known before the moment that is asked about.
    """
    found: dict[str, dict[str, Statement]] = {}
    for row in rows.sort_values("known_at", kind="stable").itertuples():
        of_match = found.setdefault(str(row.match_id), {})
        of_match[str(row.source)] = _read(row, of_match.get(str(row.source)))
    return {match: sorted(found[match].values(), key=_rank) for match in sorted(found)}


def believe(said: Mapping[str, list[Statement]]) -> list[BelievedMatch]:
    """What is believed of each match, in order of match_id."""
    return [_believe(match, of_match) for match, of_match in said.items()]


def disagreements(said: Mapping[str, list[Statement]]) -> list[Disagreement]:
    """Where sources say another kick-off or another result than the one that is believed.

    A source without a result is late, and one without a kick-off has none to compare. football_data_org keeps the old
    date of a postponed match, and the original round of a moved one: neither is a disagreement.
    """
    found = []
    for match in believe(said):
        of_match = said[match.match_id]
        kickoffs = [(one.source, one.kickoff) for one in of_match if one.kickoff and one.status != "postponed"]
        results = [(one.source, one.score) for one in of_match if one.score]
        believed = match.score and _dash(match.score)
        if match.kickoff:
            others = [(source, f"{said:%Y-%m-%d %H:%M}") for source, said in kickoffs if said != match.kickoff]
            found += _disagreement(match, "kickoff", f"{match.kickoff:%Y-%m-%d %H:%M}", others)
        others = [(source, _dash(said)) for source, said in results if said != match.score]
        found += _disagreement(match, "result", believed or f"none ({_why_none(match, of_match)})", others)
    return found


def _read(row: Any, before: Statement | None) -> Statement:
    status = str(row.status)
    kickoff, gameweek = row.kickoff, row.gameweek
    score = (int(row.home_goals), int(row.away_goals)) if status in WITH_RESULT else None
    known_at: datetime = row.known_at.to_pydatetime()
    withdrawn = score is None and before is not None and (before.withdrawn or before.score is not None)
    if withdrawn and before is not None and before.withdrawn:
        known_at = before.known_at  # since when it has no result
    return Statement(
        source=str(row.source),
        known_at=known_at,
        kickoff=None if pd.isna(kickoff) else kickoff.to_pydatetime(),
        gameweek=None if pd.isna(gameweek) else int(gameweek),
        status=status,
        score=score,
        withdrawn=withdrawn,
    )


def _believe(match: str, said: list[Statement]) -> BelievedMatch:
    kickoff, gameweek = said[0].kickoff, said[0].gameweek
    exact = said[0].source != ORDER[-1]  # its file may have only a date, and the row does not tell
    status, score = _verdict(said, kickoff)
    if score is not None and kickoff is None:
        dated = next((one for one in said if one.kickoff), said[0])
        kickoff, exact = dated.kickoff, dated.source != ORDER[-1]
        gameweek = gameweek or dated.gameweek
    if status == "scheduled" and kickoff is None:
        status = "postponed"
    return BelievedMatch(match, kickoff, gameweek, status, score, exact)


def _verdict(said: list[Statement], kickoff: datetime | None) -> tuple[str, Score | None]:
    """Status and score of a match whose schedule gives this kick-off."""
    for one in said:
        if one.source == REFEREE and one.status in ("awarded", "cancelled"):
            return one.status, one.score
        if one.source == REFEREE and one.status == "abandoned" and not _later(kickoff, one.kickoff):
            return "abandoned", None
    score = _result([one for one in said if one.status != "abandoned"])
    return ("finished", score) if score else ("scheduled", None)


def _result(said: list[Statement]) -> Score | None:
    standing: list[Score] = []
    withdrawn: datetime | None = None
    for one in said:
        if one.score is not None and (withdrawn is None or one.known_at > withdrawn):
            standing.append(one.score)
        if one.withdrawn:
            withdrawn = max(withdrawn or one.known_at, one.known_at)
    if not standing:
        return None
    score, votes = Counter(standing).most_common(1)[0]  # of equal counts the first, which is the most believed
    return score if votes > 1 else standing[0]


def _later(kickoff: datetime | None, abandoned: datetime | None) -> bool:
    return kickoff is not None and abandoned is not None and kickoff > abandoned


def _disagreement(
    match: BelievedMatch, field: str, believed: str, others: Iterable[tuple[str, str]]
) -> list[Disagreement]:
    listed = tuple(others)
    return [Disagreement(match.match_id, field, believed, listed)] if listed else []


def _why_none(match: BelievedMatch, said: list[Statement]) -> str:
    if match.status in ("abandoned", "cancelled"):
        return match.status
    return "withdrawn by " + next((one.source for one in said if one.withdrawn), "a source")


def _dash(score: Score) -> str:
    return f"{score[0]}-{score[1]}"


def _rank(one: Statement) -> tuple[int, str]:
    return (ORDER.index(one.source) if one.source in ORDER else len(ORDER), one.source)
