"""What a release of the chart needs done once; its Jobs call these, and each may be called again."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from console.operations import runs, training
from console.operations.events import (
    ClusterEvent,
    KubeflowUnavailable,
    LocalEvent,
    LocalRunFinished,
    RunSubmitted,
)
from console.operations.run_following import ClusterRunFinished
from feature_repo.store import apply
from matchday import bucket
from matchday.errors import MatchdayError
from matchday.features.tables import TABLES
from matchday.lake import Lake
from matchday.models.catalogue import model_kind
from matchday.patience import wait_for
from matchday.registry import CHAMPION, ModelVersion, Registry
from matchday.registry import database as tables
from matchday.registry.database import Migration
from matchday.settings import Settings
from pipelines.kubeflow import VARIABLE, Kubeflow

DATABASE = "MLFLOW_BACKEND_STORE_URI"

ChampionEvent = LocalEvent | LocalRunFinished | KubeflowUnavailable | RunSubmitted | ClusterEvent | ClusterRunFinished


@dataclass(frozen=True)
class AppliedFeatures:
    """Feature definitions and the registry that they went to. applied: False where the lake has no tables yet."""

    applied: bool
    lake: str
    registry: str


@dataclass(frozen=True)
class ChampionFound:
    """The champion of a model. trained: whether it was trained now, or was there before."""

    version: ModelVersion
    trained: bool


def migrate_database(seconds: float) -> Migration:
    """Wait for MLflow's database and bring it to this MLflow's schema. Raises MatchdayError."""
    if not (uri := os.environ.get(DATABASE)):
        raise MatchdayError(f"{DATABASE} is not set: give it postgresql://USER:PASSWORD@HOST:5432/NAME")
    return tables.migrate(uri, seconds)


def make_buckets(seconds: float) -> dict[str, bool]:
    """Make the buckets of the lake, of what was collected and of Feast's registry. Raises MatchdayError.

    Returns by name whether each is new.
    """
    made = _make_buckets(Settings(), seconds)
    if not made:
        raise MatchdayError("neither MATCHDAY_LAKE nor MATCHDAY_FEAST_REGISTRY names a bucket: write s3://BUCKET/...")
    return made


def apply_features(seconds: float) -> AppliedFeatures:
    """Apply the feature definitions over the lake's current tables, if it has any."""
    settings = Settings()
    _make_buckets(settings, seconds)
    lake = Lake(settings.lake)
    applied = all(lake.fingerprint(table) is not None for table in TABLES)
    if applied:
        apply(settings, lake)
    return AppliedFeatures(applied, settings.lake, settings.feast_registry)


def ensure_champion(
    model: str,
    seconds: float,
    image: str | None,
    environment: str,
    namespace: str,
    on_event: Callable[[ChampionEvent], None],
) -> ChampionFound:
    """Train a champion of a model when there is none. Raises MatchdayError when there is none after that.

    Training is on Kubeflow Pipelines where KFP_ENDPOINT answers, else by KFP's local runner in this process.
    """
    kind, registry = model_kind(model), Registry(Settings().tracking_uri)
    if found := wait_for(lambda: registry.at_alias(model, CHAMPION), seconds):
        return ChampionFound(found, trained=False)
    if _kubeflow_answers(on_event):
        submitted = runs.submit(kind.pipeline, None, image, environment, seconds)
        on_event(submitted)
        on_event(runs.complete(submitted.id, namespace, on_event))
    else:
        on_event(training.train(model, training.training_moment(None), on_event))
    made = registry.at_alias(model, CHAMPION)
    if made is None:
        raise MatchdayError("the run promoted nothing: see above what its gate and promotion said")
    return ChampionFound(made, trained=True)


def _make_buckets(settings: Settings, seconds: float) -> dict[str, bool]:
    names = {bucket.bucket_of(url) for url in (settings.lake, settings.collected, settings.feast_registry)}
    return {name: bucket.ensure(name, seconds) for name in sorted(filter(None, names))}


def _kubeflow_answers(on_event: Callable[[ChampionEvent], None]) -> bool:
    if not (endpoint := os.environ.get(VARIABLE, "")):
        return False
    try:
        Kubeflow(endpoint)
    except MatchdayError as error:
        on_event(KubeflowUnavailable(str(error)))
        return False
    return True
