"""Calibration plots: the same bins, the same bytes, and every mark inside its panel."""

import re
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as some

from matchday.model_cards.calibration_plot import LEFT, SIDE, TOP, draw_calibration
from matchday.scores.bins import Bin

SVG = "{http://www.w3.org/2000/svg}"
shares = some.floats(0, 1)
bins = some.lists(some.builds(Bin, shares, shares, some.integers(1, 500)), min_size=1, max_size=10)


@given(found=bins)
def test_every_mark_lies_inside_its_panel(found: list[Bin]) -> None:
    found = [*found, Bin(0.5, 0.5, 10)]
    text = draw_calibration({"home": found}, "said", "happened")
    assert text == draw_calibration({"home": found}, "said", "happened")
    drawn = ET.fromstring(text)
    marks = list(drawn.iter(f"{SVG}circle"))
    assert len(marks) == len(found)
    for mark in marks:
        assert LEFT - 0.1 <= float(mark.attrib["cx"]) <= LEFT + SIDE + 0.1
        assert TOP - 0.1 <= float(mark.attrib["cy"]) <= TOP + SIDE + 0.1
    for line in drawn.iter(f"{SVG}line"):
        assert all(TOP - 0.1 <= float(line.attrib[end]) <= TOP + SIDE + 0.1 for end in ("y1", "y2"))


def test_names_are_written_as_text() -> None:
    text = draw_calibration({"a<b": [Bin(0.2, 0.3, 5)], "c": [Bin(0.4, 0.5, 5)]}, "said & done", "happened")
    names = [one.text for one in ET.fromstring(text).iter(f"{SVG}text")]
    assert {"a<b", "c", "said & done", "happened"} <= set(names)


def test_right_forecasts_lie_on_the_diagonal() -> None:
    text = draw_calibration({"home": [Bin(0.1, 0.1, 9), Bin(0.8, 0.8, 9)]}, "said", "happened")
    for x, y in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', text):
        assert abs((float(x) - LEFT) - (TOP + SIDE - float(y))) < 0.2
