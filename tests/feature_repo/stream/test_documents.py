"""Tables in the pages about the stream say what the code says."""

import ast
import re
from pathlib import Path

from feature_repo.stream import runner, screening
from feature_repo.stream.metrics import StreamMetrics
from feature_repo.stream.settings import StreamSettings
from matchday.events import TOPICS
from matchday.settings import REPOSITORY

DOCS = REPOSITORY / "docs"
PAGE = (DOCS / "stream.md").read_text(encoding="utf-8")


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of all tables between a heading and the next one, without their first rows."""
    section = re.split(r"^## ", page.split(f"## {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    tables = re.findall(r"(?:^\|.*\n)+", section, flags=re.MULTILINE)
    lines = [line for table in tables for line in table.splitlines()[2:]]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def named(cell: str) -> str:
    """What stands between backticks."""
    return cell.removeprefix("`").removesuffix("`")


def first_arguments(module: Path, function: str) -> set[str]:
    """Text that is the first argument of calls of a function, by its name."""
    calls = [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Call)]
    found = [call for call in calls if getattr(call.func, "attr", getattr(call.func, "id", "")) == function]
    return {str(call.args[0].value) for call in found if isinstance(call.args[0], ast.Constant)}


def test_every_reason_of_a_dead_letter_is_explained() -> None:
    reasons = first_arguments(Path(screening.__file__), "Poison")
    assert len(reasons) > 5
    assert {named(cells[0]) for cells in rows(PAGE, "Dead letters")} == reasons


def test_every_reason_of_a_rebuild_is_explained() -> None:
    reasons = first_arguments(Path(runner.__file__), "_note_loss")
    assert len(reasons) > 1
    assert {named(cells[0]) for cells in rows(PAGE, "How it works")} == reasons


def test_every_metric_is_explained() -> None:
    metrics = set()
    for family in StreamMetrics().registry.collect():
        metrics.add(family.name + ("_total" if family.type == "counter" else ""))
    told = [named(cells[0]) for cells in rows(PAGE, "Health and metrics") if cells[0].startswith("`matchday")]
    assert {re.sub(r"\{.*\}", "", name) for name in told} == metrics


def test_labels_of_metrics_are_told() -> None:
    metrics = StreamMetrics()
    labels = {f"{one._name}": one._labelnames for one in vars(metrics).values() if hasattr(one, "_labelnames")}
    for cells in rows(PAGE, "Health and metrics"):
        name, _, label = named(cells[0]).rstrip("}").partition("{")
        if name.startswith("matchday"):
            assert labels[name.removesuffix("_total")] == tuple(label.split(",") if label else ()), name


def test_every_setting_is_explained_with_its_default() -> None:
    fields = StreamSettings.model_fields
    wanted = {f"MATCHDAY_STREAM_{name.upper()}": field.default for name, field in fields.items()}
    told = {named(cells[0]): named(cells[1]) for cells in rows(PAGE, "Settings")}
    assert told == {
        name: f"{default:g}" if isinstance(default, (int, float)) else default for name, default in wanted.items()
    }


def test_every_topic_is_in_the_table_of_events() -> None:
    told = {named(cells[0]): cells[1:] for cells in rows((DOCS / "events.md").read_text(encoding="utf-8"), "Topics")}
    assert list(told) == [topic.name for topic in TOPICS]
    for topic in TOPICS:
        kept = f"{topic.keep_days} days" if topic.keep_days else "for ever"
        assert [named(told[topic.name][0]), named(told[topic.name][1]), told[topic.name][3]] == [
            topic.type,
            topic.schema_file,
            kept,
        ]


def test_limits_of_records_are_those_of_the_page() -> None:
    assert f"more than {screening.MOST_BYTES // 1024} KiB" in PAGE
    assert f"more than {screening.CLOCKS_APART:g} s ahead" in PAGE
