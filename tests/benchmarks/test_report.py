"""What a benchmark tells: a table for people, and every figure in a file."""

import json

import numpy as np
import pytest

from benchmarks.report import Measure, report


@pytest.mark.parametrize(
    ("value", "bar", "held"),
    [
        (8.0, ">= 8", True),
        (7.99, ">= 8", False),
        (0.25, "<= 0.25", True),
        (0.26, "<= 0.25", False),
        (float("nan"), "<= 5", False),
        (1.0, None, None),
    ],
)
def test_a_bar_holds_at_its_limit_and_never_for_what_is_no_number(value, bar, held):
    assert Measure("one", value, "x", bar).held is held


def test_the_file_holds_every_figure_and_the_table_those_that_are_shown(tmp_path, capsys):
    held, missed, other = Measure("rate", 9, "x", ">= 8"), Measure("raw", 3, "x", ">= 10"), Measure("p99", 1.5, "ms")
    file = report("some", [held, missed, other], tmp_path, shown=[held, missed])
    assert json.loads(file.read_text()) == [
        {"measure": "rate", "value": 9, "unit": "x", "bar": ">= 8"},
        {"measure": "raw", "value": 3, "unit": "x", "bar": ">= 10"},
        {"measure": "p99", "value": 1.5, "unit": "ms", "bar": None},
    ]
    rate, raw = capsys.readouterr().out.splitlines()[2:]
    assert rate.split() == ["rate", "9", "x", ">=", "8", "held"]
    assert raw.split() == ["raw", "3", "x", ">=", "10", "MISSED"]


def test_numbers_of_numpy_are_written_as_numbers(tmp_path):
    file = report("some", [Measure("rate", np.int64(9), "x"), Measure("p99", np.float32(1.5), "ms")], tmp_path)
    assert [each["value"] for each in json.loads(file.read_text())] == [9.0, 1.5]


def test_all_are_shown_where_nothing_else_is_said(tmp_path, capsys):
    report("some", [Measure("rate", 9, "x"), Measure("p99", 1.5, "ms")], tmp_path)
    assert len(capsys.readouterr().out.splitlines()) == 4
