"""The branch at the gate: who is registered, and who is not."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from kfp import dsl

from components.image import component
from components.passes_gate import passes_gate
from components.promote import promote
from components.refuse import refuse
from components.register import register
from matchday.backtest import Walk
from matchday.models.evaluation import Evaluation
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.match_outcome.recipe import OutcomeRecipe
from matchday.models.match_outcome.settled_goals import Parameters
from matchday.models.registration import registered_by
from matchday.models.tags import RUN
from matchday.registry import Registry
from matchday.settings import Settings
from pipelines import compilation, local
from tests import league

NAME = MATCH_OUTCOME.name
BASE = np.array([0.45, 0.25, 0.30])


@component
def hand_over(
    model_of: str, forecasts_of: str, model: dsl.Output[dsl.Model], forecasts: dsl.Output[dsl.Dataset]
) -> None:
    """Put what training and walking made where the run has its artifacts."""
    import shutil

    shutil.copytree(model_of, model.path)
    shutil.copy(forecasts_of, forecasts.path)


@dsl.pipeline(name="from-the-gate-on")
def from_the_gate_on(model: str, forecasts: str) -> None:
    """The end of `train-match-outcome`, for a model and forecasts that are there."""
    made = hand_over(model_of=model, forecasts_of=forecasts)
    gate = passes_gate(model_name=NAME, forecasts=made.outputs["forecasts"])
    with dsl.If(gate.output == "pass", name="passed"):
        version = register(
            model_name=NAME,
            model=made.outputs["model"],
            forecasts=made.outputs["forecasts"],
            run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
        ).set_caching_options(False)
        promote(model_name=NAME, version=version.output, as_of="2026-07-01").set_caching_options(False)
    with dsl.Else(name="refused"):
        refuse(verdict=gate.output)


def walk(edge: float, tilt: np.ndarray, result: np.ndarray) -> Walk:
    """Forecasts that lean so far towards the truth."""
    truth = BASE * np.exp(np.outer(tilt, [1, 0, -1]))
    said = BASE + edge * (truth / truth.sum(axis=1, keepdims=True) - BASE)
    rows = pd.DataFrame(said, columns=["H", "D", "A"])
    named = rows.assign(match_id=[f"m{i}" for i in range(len(rows))], season="2526", result=result)
    return Walk(named, MATCH_OUTCOME.output.columns)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model on real matches."""
    features = league.outcome_features()
    folder = tmp_path_factory.mktemp("made") / "model"
    quick = Parameters(first_season="2425")
    OutcomeRecipe(quick).train(features[features["season"] >= "2425"]).save(folder)
    return folder


def played(model: Path, folder: Path, edge: float) -> tuple[list[str], list[str]]:
    """The steps that ran and what they said, for a model whose forecasts are so good."""
    random = np.random.default_rng(0)
    tilt = random.normal(0, 0.5, 2000)
    truth = BASE * np.exp(np.outer(tilt, [1, 0, -1]))
    chance = (truth / truth.sum(axis=1, keepdims=True)).cumsum(axis=1)
    result = (random.random((2000, 1)) > chance).sum(axis=1).clip(0, 2)
    edges = {"match-outcome": edge, "base rate": 0.0, "Elo, ordered logit": 0.5}
    walks = {name: walk(one, tilt, result) for name, one in edges.items()}
    Evaluation(MATCH_OUTCOME, walks).save(folder / "forecasts.parquet")
    lines: list[str] = []
    local.run(from_the_gate_on, lines.append, model=str(model), forecasts=str(folder / "forecasts.parquet"))
    ran = [found[1] for line in lines if (found := re.search(r"Executing task \W*(?:\[\d+m)?'?([a-z-]+)", line))]
    return ran, [line.strip().removeprefix("» ") for line in lines if line.strip().startswith("» ")]


@pytest.mark.slow
def test_a_good_model_is_registered_and_promoted(model: Path, tmp_path: Path) -> None:
    ran, said = played(model, tmp_path, edge=1.0)
    assert ran == ["hand-over", "passes-gate", "register", "promote"]
    assert said == ["passed", "match-outcome version 1 is challenger", "promoted: there is no champion yet"]
    registry = Registry(Settings().tracking_uri)
    assert registry.aliases("match-outcome") == {"champion": "1"}
    first = registry.tags("match-outcome", "1")[RUN]
    _, said = played(model, tmp_path, edge=1.0)
    assert said == [
        "match-outcome version 1 is champion already",
        "not promoted: version 1 is champion already",
    ]
    second = registry.tags("match-outcome", "1")[RUN]
    assert second != first
    assert registered_by(MATCH_OUTCOME, registry, second) == registry.resolve("mlflow://match-outcome/1")
    assert registered_by(MATCH_OUTCOME, registry, first) is None


@pytest.mark.slow
def test_a_bad_model_is_refused_and_nothing_is_registered(model: Path, tmp_path: Path) -> None:
    ran, said = played(model, tmp_path, edge=-0.5)
    assert ran == ["hand-over", "passes-gate", "refuse"]
    assert "does not beat base rate" in said[0]
    assert said[1] == "gate says fail: nothing is registered and the champion stays"
    assert Registry(Settings().tracking_uri).models() == []


def test_a_step_that_fails_ends_the_run_and_is_named(tmp_path: Path) -> None:
    with pytest.raises(local.RunError, match=r"the run stopped: .*hand-over"):
        local.run(from_the_gate_on, [].append, model=str(tmp_path / "no"), forecasts=str(tmp_path / "no"))


def test_the_training_pipeline_registers_behind_the_gate_alone() -> None:
    spec, *_ = yaml.safe_load_all((compilation.COMPILED / "train-match-outcome.yaml").read_text(encoding="utf-8"))
    dags = [spec["root"]["dag"], *(one["dag"] for one in spec["components"].values() if "dag" in one)]
    branches = {
        task["taskInfo"]["name"]: (
            task["triggerPolicy"]["condition"],
            set(spec["components"][task["componentRef"]["name"]]["dag"]["tasks"]),
        )
        for dag in dags
        for task in dag["tasks"].values()
        if "triggerPolicy" in task
    }
    passes = "inputs.parameter_values['pipelinechannel--passes-gate-Output'] == 'pass'"
    assert branches == {"passed": (passes, {"register", "promote"}), "refused": (f"!({passes})", {"refuse"})}
    assert not {"register", "promote", "refuse"} & set(spec["root"]["dag"]["tasks"])
