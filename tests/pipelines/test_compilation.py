"""Compiled pipelines are what their sources say."""

import shutil
from pathlib import Path

import pytest
import yaml

from pipelines import compilation


def test_the_committed_files_are_fresh() -> None:
    compilation.check_compiled()


def test_a_changed_file_is_stale(tmp_path: Path) -> None:
    shutil.copytree(compilation.COMPILED, tmp_path / "compiled")
    file = tmp_path / "compiled" / "train-match-outcome.yaml"
    file.write_text(file.read_text().replace("Ingest the history", "Ingest something"))
    with pytest.raises(compilation.StaleError, match=r"train-match-outcome\.yaml is stale: run 'make compile'"):
        compilation.check_compiled(tmp_path / "compiled")


def test_a_missing_file_is_stale(tmp_path: Path) -> None:
    with pytest.raises(compilation.StaleError):
        compilation.check_compiled(tmp_path)


def test_steps_install_nothing_and_run_in_one_image() -> None:
    spec, *_ = yaml.safe_load_all((compilation.COMPILED / "train-match-outcome.yaml").read_text())
    containers = [executor["container"] for executor in spec["deploymentSpec"]["executors"].values()]
    assert len(containers) == 11
    assert len({container["image"] for container in containers}) == 1
    assert not any("pip install" in part for container in containers for part in container["command"])


def test_steps_with_effects_are_never_taken_from_a_cache() -> None:
    spec, *_ = yaml.safe_load_all((compilation.COMPILED / "train-match-outcome.yaml").read_text())
    dags = [spec["root"]["dag"], *(one["dag"] for one in spec["components"].values() if "dag" in one)]
    tasks = {name: task for dag in dags for name, task in dag["tasks"].items()}
    cached = {name for name, task in tasks.items() if task.get("cachingOptions", {}).get("enableCache")}
    assert cached == {"validate", "training-set", "train", "walk-forward", "passes-gate"}


@pytest.mark.parametrize("name", sorted(compilation.TRAINING))
def test_a_pipeline_can_be_scheduled(name: str) -> None:
    """Kubeflow fills in nothing in a recurring run: each parameter may be left out, and one step reads the time."""
    spec, *_ = yaml.safe_load_all((compilation.COMPILED / f"{name}.yaml").read_text())
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    assert {each for each, given in parameters.items() if not given.get("isOptional")} == set()
    tasks = spec["root"]["dag"]["tasks"]
    taking = {task for task, made in tasks.items() if "'componentInputParameter': 'as_of'" in str(made)}
    assert taking == {"ingest"}
    handed = {task for task, made in tasks.items() if "'outputParameterKey': 'as_of'" in str(made)}
    assert handed == {"materialise", "training-set", "condition-branches-1"}
