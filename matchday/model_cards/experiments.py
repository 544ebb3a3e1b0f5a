"""The page of what was tried, `docs/models/experiments.md`."""

from collections.abc import Iterable, Sequence

from matchday.experiments.questions import Question
from matchday.experiments.ranking import Ranked
from matchday.model_cards.markdown import table

COLUMNS = ("candidate", "RPS", "- base", "+-", "RPS late", "- base", "+-")


def experiments_page(answers: Iterable[tuple[Question, Sequence[Ranked]]]) -> str:
    """The page in Markdown: a table for each question, candidates by RPS."""
    parts = [f"## {one.name}\n\n{one.asks}\n\n{_ranking(ranking)}\n" for one, ranking in answers]
    return TEXT + "\n".join(parts)


def ranking_cells(one: Ranked) -> tuple[str, ...]:
    """Cells of `COLUMNS`."""
    cells = [f"{one.name} (base)" if one.base else one.name]
    for period in ("all", "late"):
        gap = one.gap[period]
        cells.append(f"{one.rps[period]:.5f}")
        cells += ["-", "-"] if one.base else [f"{gap.mean:+.5f}", f"{gap.standard_error:.5f}"]
    return tuple(cells)


def _ranking(ranking: Sequence[Ranked]) -> str:
    return table(COLUMNS, [ranking_cells(one) for one in ranking]) if ranking else "Nothing was recorded yet."


TEXT = """\
# What was tried for match-outcome

Written by `matchday experiments run all --page docs/models/experiments.md`. Every candidate is walked forward over
2016/17 to 2025/26, and what it learns or chooses, it learns or chooses on matches that were over. RPS is over the 2,660
matches of 2019/20 to 2025/26, "late" over the 1,140 of 2023/24 to 2025/26. Differences are to the base, on the same
matches; below 0 is better. +- is their standard error, over weeks: a difference below two of them may be luck.

These tables look at the reported seasons. So no candidate is taken because it is first in one: what is served follows
the rule of [decision 29](../decisions/0029-nothing-is-chosen-on-what-is-reported.md), and "best of its past, each
season" shows what choosing would have given.

"""
