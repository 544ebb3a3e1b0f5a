"""Step: fit a model and export it as one ONNX graph."""

from kfp import dsl

from components.image import component


@component
def train(
    model_name: str,
    training: dsl.Input[dsl.Dataset],
    model: dsl.Output[dsl.Model],
    report: dsl.Output[dsl.Metrics],
) -> None:
    """Fit, export, and prove that graph and model forecast the same."""
    from pathlib import Path

    import pandas as pd

    from components.step import step, write_metadata
    from matchday.models.catalogue import model_kind
    from matchday.models.recipe import load_recipe

    with step("train") as here:
        kind = model_kind(model_name)
        trained = load_recipe(kind).train(pd.read_parquet(training.path))
        trained.save(Path(model.path))
        model.metadata.update(framework="onnx", trained_until=trained.trained_until, data=trained.data)
        report.log_metric("parity", trained.parity.largest)
        for name, value in trained.coefficients.items():
            report.log_metric(name, value)
        write_metadata(report)
        here.say(
            f"trained on {trained.matches:,} {kind.subject.plural}; ONNX graph of {len(trained.graph) / 1024:.0f} KiB, "
            f"off by at most {trained.parity.largest:.1e} on {trained.parity.rows:,} rows"
        )
