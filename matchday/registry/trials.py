"""Runs of experiments in MLflow: one MLflow experiment for each question, one run for each candidate that was tried."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from matchday.registry.connection import Connection
from matchday.registry.record import ensure_experiment

LOSSES = "losses.parquet"
"""Artifact of a run: the loss of every row that it forecast."""
POSITION_TAG = "matchday.position"
PREFIX = "matchday/questions/"
"""Of the names of MLflow's experiments, before the question."""


@dataclass(frozen=True)
class TrialRun:
    """A candidate that was tried. position: its place among the question's candidates; 0 is the base.

    params: its settings. metrics: its scores, by fold and over all. losses: of every row that it forecast.
    """

    name: str
    position: int
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    losses: pd.DataFrame


class Trials(Connection):
    """Runs of experiments on an MLflow server or a SQLite file. Every method raises RegistryError when it fails."""

    def record(self, question: str, run: TrialRun, tags: Mapping[str, str]) -> None:
        """Record a run. One that is interrupted is marked FAILED and never read."""
        from mlflow.entities import Metric, Param

        with self._translate_errors(f"record {run.name} of {question}"):
            where = ensure_experiment(self._client, PREFIX + question, self._artifacts)
            labels = {**tags, POSITION_TAG: str(run.position), "mlflow.source.name": "matchday"}
            made = self._client.create_run(where, tags=labels, run_name=run.name).info
            try:
                metrics = [Metric(name, float(value), made.start_time, 0) for name, value in run.metrics.items()]
                params = [Param(name, str(value)) for name, value in run.params.items()]
                self._client.log_batch(made.run_id, metrics=metrics, params=params)
                with tempfile.TemporaryDirectory(prefix="matchday-") as scratch:
                    run.losses.to_parquet(Path(scratch) / LOSSES, index=False)
                    self._client.log_artifact(made.run_id, os.fspath(Path(scratch) / LOSSES))
            except BaseException:
                self._client.set_terminated(made.run_id, "FAILED")
                raise
            self._client.set_terminated(made.run_id, "FINISHED")

    def runs(self, question: str) -> list[TrialRun]:
        """The newest finished run of each candidate, the base first; none where nothing was tried."""
        with self._translate_errors(f"read the runs of {question}"):
            known = self._client.get_experiment_by_name(PREFIX + question)
            if known is None:
                return []
            finished = self._client.search_runs(
                [known.experiment_id], "attributes.status = 'FINISHED'", order_by=["attributes.start_time DESC"]
            )
            newest: dict[str, Any] = {}
            for run in finished:
                newest.setdefault(run.info.run_name, run)
            return sorted((self._read(run) for run in newest.values()), key=lambda run: run.position)

    def _read(self, run: Any) -> TrialRun:
        with tempfile.TemporaryDirectory(prefix="matchday-") as scratch:
            losses = pd.read_parquet(self._client.download_artifacts(run.info.run_id, LOSSES, scratch))
        position = int(run.data.tags[POSITION_TAG])
        return TrialRun(run.info.run_name, position, dict(run.data.params), dict(run.data.metrics), losses)
