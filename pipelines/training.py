"""The training pipelines, `train-MODEL` for every model: from results to a champion."""

from kfp import dsl

from components.build_features import build_features
from components.ingest import ingest
from components.materialise import materialise
from components.passes_gate import passes_gate
from components.promote import promote
from components.refuse import refuse
from components.register import register
from components.train import train
from components.training_set import training_set
from components.validate import validate
from components.walk_forward import walk_forward


def train_and_promote(model_name: str, as_of: str, traceparent: str) -> None:
    """The steps of a training pipeline.

    as_of: ISO 8601, UTC; nothing later is learnt from. Empty: the time of the run, which the first step reads and hands
    on, as Kubeflow fills in nothing in a recurring run. traceparent: the trace that the run belongs to. Only steps that
    always run take it: results are cached by the arguments of a step, and it is new in every run. The others find it
    in their environment.
    """
    taken = ingest(as_of=as_of, traceparent=traceparent).set_display_name("Ingest the history")
    taken.set_caching_options(False)
    moment = taken.outputs["as_of"]
    checked = validate(history=taken.outputs["history"]).set_display_name("Validate it")
    features = build_features(history=checked.outputs["Output"], traceparent=traceparent)
    features.set_display_name("Build features").set_caching_options(False)
    online = materialise(features=features.output, as_of=moment, traceparent=traceparent)
    online.set_display_name("Apply and materialise Feast").set_caching_options(False)
    training = training_set(model_name=model_name, features=features.output, as_of=moment)
    training.set_display_name("Join the training set")
    trained = train(model_name=model_name, training=training.output).set_display_name("Train and export to ONNX")
    walked = walk_forward(model_name=model_name, training=training.output).set_display_name("Evaluate walk-forward")
    gate = passes_gate(model_name=model_name, forecasts=walked.outputs["forecasts"]).set_display_name("Gate")
    with dsl.If(gate.output == "pass", name="passed"):
        version = register(
            model_name=model_name,
            model=trained.outputs["model"],
            forecasts=walked.outputs["forecasts"],
            run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
            traceparent=traceparent,
        )
        version.set_display_name("Register challenger").set_caching_options(False)
        champion = promote(model_name=model_name, version=version.output, as_of=moment, traceparent=traceparent)
        champion.set_display_name("Promote to champion").after(online).set_caching_options(False)
    with dsl.Else(name="refused"):
        refusal = refuse(verdict=gate.output, traceparent=traceparent)
        refusal.set_display_name("Refuse").set_caching_options(False)


@dsl.pipeline(name="train-match-outcome", description="From results to a registered challenger, and a champion.")
def train_match_outcome(as_of: str = "", traceparent: str = "") -> None:
    """Train probabilities of home win, draw and away win on everything known before `as_of`, or by now."""
    train_and_promote("match-outcome", as_of, traceparent)


@dsl.pipeline(name="train-player-points", description="From results to a registered challenger, and a champion.")
def train_player_points(as_of: str = "", traceparent: str = "") -> None:
    """Train the fantasy points of players on everything known before `as_of`, or by now."""
    train_and_promote("player-points", as_of, traceparent)


@dsl.pipeline(name="train-total-goals", description="From results to a registered challenger, and a champion.")
def train_total_goals(as_of: str = "", traceparent: str = "") -> None:
    """Train the mean number of goals of both teams together on everything known before `as_of`, or by now."""
    train_and_promote("total-goals", as_of, traceparent)
