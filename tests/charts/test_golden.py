"""The chart and the overlays render what the golden files say; `make golden` writes these."""

import pytest

from tests.charts.golden import FOLDER, golden, of_example, of_overlay
from tests.charts.rendering import EXAMPLES, OVERLAYS, lint

AGAIN = "what is rendered has changed: look at it with `make golden` and `git diff tests/charts/golden`"


@pytest.mark.parametrize("major", [3, 4], ids="helm{}".format)
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_renders_as_its_golden_file_with_helm_3_and_4(example: str, major: int) -> None:
    assert of_example(example, major) == golden(example).read_text(), AGAIN


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_renders_as_its_golden_file(overlay: str) -> None:
    assert of_overlay(overlay) == golden(f"overlay-{overlay}").read_text(), AGAIN


def test_there_is_no_golden_file_that_nothing_renders() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {*EXAMPLES, *(f"overlay-{overlay}" for overlay in OVERLAYS)}


@pytest.mark.parametrize("major", [3, 4], ids="helm{}".format)
@pytest.mark.parametrize("example", ["default", "small", "replicas", "kfp", "sources", "without-serving"])
def test_helm_lint_finds_nothing(example: str, major: int) -> None:
    assert "1 chart(s) linted, 0 chart(s) failed" in lint(example, major)
