"""Runs of experiments in MLflow: one MLflow experiment for each question, one run for each candidate that was tried."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from matchday.registry import sqlite
from matchday.registry.client import client_class, translate_errors
from matchday.registry.record import ensure_experiment

if TYPE_CHECKING:
    from mlflow.tracking.client import MlflowClient

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


class Trials:
    """Runs of experiments on an MLflow server or a SQLite file. Every method raises RegistryError when it fails."""

    def __init__(self, tracking_uri: str) -> None:
        """tracking_uri: as of `matchday.registry.Registry`. Nothing is opened before the first call."""
        self.tracking_uri = tracking_uri

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

    @cached_property
    def _client(self) -> "MlflowClient":
        client = client_class()
        if file := sqlite.sqlite_file(self.tracking_uri):
            sqlite.create(file)
        return client(self.tracking_uri, registry_uri=self.tracking_uri)

    @property
    def _artifacts(self) -> Path | None:
        file = sqlite.sqlite_file(self.tracking_uri)
        return (file.parent / "artifacts").resolve() if file else None

    def _translate_errors(self, action: str) -> AbstractContextManager[None]:
        return translate_errors(self.tracking_uri, action)
