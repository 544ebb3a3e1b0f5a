"""What the chart and the overlays render is what is kept in `golden/`; `make golden` writes it anew."""

import pytest

from tests.charts.golden import FOLDER, golden, of_overlay, of_switch
from tests.charts.rendering import OVERLAYS, SWITCHES, lint

AGAIN = "what is rendered has changed: look at it with `make golden` and `git diff tests/charts/golden`"


@pytest.mark.parametrize("major", [3, 4], ids="helm{}".format)
@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_renders_as_kept_with_helm_3_and_4(switch: str, major: int) -> None:
    assert of_switch(switch, major) == golden(switch).read_text(), AGAIN


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_renders_as_kept(overlay: str) -> None:
    assert of_overlay(overlay) == golden(f"overlay-{overlay}").read_text(), AGAIN


def test_nothing_is_kept_that_is_not_rendered() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {*SWITCHES, *(f"overlay-{overlay}" for overlay in OVERLAYS)}


@pytest.mark.parametrize("major", [3, 4], ids="helm{}".format)
@pytest.mark.parametrize("switch", ["default", "small", "replicas", "kfp", "without-serving"])
def test_helm_lint_finds_nothing(switch: str, major: int) -> None:
    assert "1 chart(s) linted, 0 chart(s) failed" in lint(switch, major)
