"""Step: walk-forward scores of `match-outcome` and its baselines."""

from kfp import dsl

from components.image import component


@component
def walk_forward(
    training: dsl.Input[dsl.Dataset],
    forecasts: dsl.Output[dsl.Dataset],
    scores: dsl.Output[dsl.Metrics],
    hits: dsl.Output[dsl.ClassificationMetrics],
    report: dsl.Output[dsl.Markdown],
) -> None:
    """Forecast each match of the latest seasons by a model that had seen nothing later."""
    from functools import partial
    from pathlib import Path

    import pandas as pd

    from components.step import leave, step
    from matchday.models.card import table
    from matchday.models.evaluation import evaluate

    with step("walk-forward") as here:
        evaluation = evaluate(pd.read_parquet(training.path), progress=partial(here.progress, "matches"))
        evaluation.save(Path(forecasts.path))
        own = evaluation.model.score()
        for name, value in own.as_dict().items():
            scores.log_metric(name, value)
        hits.log_confusion_matrix(["home", "draw", "away"], evaluation.model.confusion().tolist())
        leave(scores, hits)
        board = table(evaluation.scoreboard()) + "\n\n" + table(evaluation.by_season())
        Path(report.path).write_text(board, encoding="utf-8")
        here.say(
            f"RPS {own.rps:.4f}, log loss {own.log_loss:.4f}, accuracy {own.accuracy:.3f} on {own.matches:,} matches"
        )
