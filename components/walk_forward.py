"""Step: walk-forward scores of a model and its baselines."""

from kfp import dsl

from components.image import component


@component
def walk_forward(
    model_name: str,
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

    from components.step import step, write_metadata
    from matchday.models.card import table
    from matchday.models.catalogue import model_kind
    from matchday.models.evaluation import evaluate
    from matchday.models.recipe import load_recipe

    with step("walk-forward") as here:
        kind = model_kind(model_name)
        evaluation = evaluate(
            load_recipe(kind), pd.read_parquet(training.path), partial(here.progress, kind.subject.plural)
        )
        evaluation.save(Path(forecasts.path))
        for name, value in evaluation.scores().items():
            scores.log_metric(name, value)
        if labels := kind.output.labels:
            hits.log_confusion_matrix(list(labels), evaluation.confusion().tolist())
        write_metadata(scores, hits)
        board = table(evaluation.scoreboard()) + "\n\n" + table(evaluation.by_season())
        Path(report.path).write_text(board, encoding="utf-8")
        here.say(evaluation.summary())
