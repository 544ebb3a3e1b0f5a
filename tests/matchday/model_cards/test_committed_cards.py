"""The committed cards. `make cards-check` backtests match-outcome anew; here is what costs nothing."""

import json
from pathlib import Path

import pytest

from matchday.model_cards.points import PointsScores, ScoresFileError, points_card, points_plot
from matchday.settings import REPOSITORY

CARDS = REPOSITORY / "docs" / "models"
PARTS = ("## Intended use", "## Data", "## Method", "## Scores, walk-forward", "## Calibration", "## Limits")


def test_cards_have_their_parts_and_their_plots() -> None:
    for name in ("match-outcome", "player-points"):
        text = (CARDS / f"{name}.md").read_text()
        assert [line for line in text.splitlines() if line.startswith("## ") and line in PARTS] == list(PARTS)
        assert (CARDS / f"{name}-calibration.svg").read_text().startswith("<svg")
        assert f"({name}-calibration.svg)" in text


def test_the_card_of_points_is_that_of_its_scores(tmp_path: Path) -> None:
    scores = PointsScores.load(CARDS / "player-points.json")
    assert points_card(scores, "player-points-calibration.svg") == (CARDS / "player-points.md").read_text()
    assert points_plot(scores) == (CARDS / "player-points-calibration.svg").read_text()
    scores.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (CARDS / "player-points.json").read_bytes()


def test_ci_writes_the_cards_again_and_compares() -> None:
    assert "make cards-check\n" in (REPOSITORY / ".ci" / "run").read_text()


@pytest.mark.parametrize("made_by", [None, "0" * 16])
def test_scores_of_other_code_are_refused(tmp_path: Path, made_by: str | None) -> None:
    kept = json.loads((CARDS / "player-points.json").read_text())
    (tmp_path / "scores.json").write_text(json.dumps({**kept, "made_by": made_by}))
    with pytest.raises(ScoresFileError, match="of other code or data: run 'make cards'"):
        PointsScores.load(tmp_path / "scores.json")
