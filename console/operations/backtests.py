"""Backtests of the models over the bundled history, their files of forecasts, and their model cards."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matchday.model_cards.outcome import outcome_card, outcome_plot
from matchday.model_cards.points import PointsScores, points_card, points_plot
from matchday.models.alarms import raise_alarms
from matchday.models.match_outcome.reported import OutcomeBacktest, backtest_outcome
from matchday.models.player_points.backtest import PointsBacktest, points_backtest
from matchday.settings import Settings
from matchday.sources.snapshot import Snapshot

Progress = Callable[[int, int], None]

SCORES_SUFFIX = ".json"
PLOT_SUFFIX = "-calibration.svg"


@dataclass(frozen=True)
class OutcomeReport:
    """A backtest of match-outcome. alarms: scores that are too good to be true."""

    backtest: OutcomeBacktest
    alarms: tuple[str, ...]


def run_outcome(
    forecasts: Path | None = None, card: Path | None = None, progress: Progress | None = None
) -> OutcomeReport:
    """Walk match-outcome over the seasons that are reported.

    forecasts: where all forecasts are written, as Parquet. card: where the model card is written, its plot beside it.
    """
    found = backtest_outcome(Snapshot(Settings().snapshot), progress)
    if forecasts:
        forecasts.parent.mkdir(parents=True, exist_ok=True)
        found.evaluation.save(forecasts)
    if card:
        write_card(card, lambda plot: outcome_card(found, plot), outcome_plot(found))
    return OutcomeReport(found, raise_alarms(found.evaluation))


def run_points(
    forecasts: Path | None = None, card: Path | None = None, progress: Progress | None = None
) -> PointsBacktest:
    """Walk player-points over the seasons that are reported.

    forecasts: where all forecasts are written, as Parquet. card: where the model card is written, its plot and the file
    of its scores beside it.
    """
    found = points_backtest(Snapshot(Settings().snapshot), progress)
    if forecasts:
        forecasts.parent.mkdir(parents=True, exist_ok=True)
        found.forecasts.to_parquet(forecasts, index=False)
    if card:
        card.parent.mkdir(parents=True, exist_ok=True)
        PointsScores.of(found).save(card.with_suffix(SCORES_SUFFIX))
        write_points_card(card, card.with_suffix(SCORES_SUFFIX))
    return found


def write_points_card(card: Path, scores: Path) -> None:
    """Write the model card of player-points from a file of scores. Raises ScoresFileError."""
    found = PointsScores.load(scores)
    write_card(card, lambda plot: points_card(found, plot), points_plot(found))


def write_card(card: Path, text: Callable[[str], str], plot: str) -> None:
    """Write a card and its plot. text: of the plot's file name."""
    card.parent.mkdir(parents=True, exist_ok=True)
    drawn = card.with_name(card.stem + PLOT_SUFFIX)
    drawn.write_text(plot, encoding="utf-8")
    card.write_text(text(drawn.name), encoding="utf-8")
