"""What a release of the chart needs done once, from its Jobs: every command may be run again."""

import os

from console import runs, training
from console.screen import console
from feature_repo.store import apply
from matchday import bucket
from matchday.errors import MatchdayError
from matchday.features.tables import TABLES
from matchday.lake import Lake
from matchday.patience import wait_for
from matchday.registry import CHAMPION, ModelVersion, Registry
from matchday.registry import database as tables
from matchday.settings import Settings
from pipelines.kubeflow import VARIABLE, Kubeflow

DATABASE = "MLFLOW_BACKEND_STORE_URI"


def database(seconds: float) -> None:
    """Wait for MLflow's database and bring it to this MLflow's schema."""
    if not (uri := os.environ.get(DATABASE)):
        raise MatchdayError(f"{DATABASE} is not set: give it postgresql://USER:PASSWORD@HOST:5432/NAME")
    done = tables.migrate(uri, seconds)
    if done.unchanged:
        console.print(f"MLflow's schema is at {done.after} already")
    else:
        console.print(f"MLflow's schema is at {done.after}; it was {done.before or 'not there'}")


def make_bucket(seconds: float) -> None:
    """Wait for the object store and make the buckets of the lake and of Feast's registry."""
    made = _make_buckets(Settings(), seconds)
    if not made:
        raise MatchdayError("neither MATCHDAY_LAKE nor MATCHDAY_FEAST_REGISTRY names a bucket: write s3://BUCKET/...")
    for name, new in made.items():
        console.print(f"bucket {name} {'made' if new else 'is there already'}")


def features(seconds: float) -> None:
    """Apply the feature definitions over the lake's current tables, if it has any."""
    settings = Settings()
    _make_buckets(settings, seconds)
    lake = Lake(settings.lake)
    if any(lake.fingerprint(table) is None for table in TABLES):
        console.print(f"no feature tables in {settings.lake} yet: the first training run writes and applies them")
        return
    apply(settings, lake)
    console.print(f"feature definitions applied to {settings.feast_registry}")


def champion(seconds: float, image: str | None, environment: str, namespace: str) -> None:
    """See that there is a champion: train one when there is none. Raises MatchdayError when there is none after that.

    On Kubeflow Pipelines where KFP_ENDPOINT answers, else by KFP's local runner in this process.
    """
    registry = Registry(Settings().tracking_uri)
    if there := wait_for(lambda: _champion(registry), seconds):
        console.print(f"{there.name} version {there.version} is champion already")
        return
    if _kubeflow_answers():
        runs.complete(runs.submit("train-match-outcome", None, image, environment, seconds), namespace)
    else:
        training.run(training.moment(None))
    made = _champion(registry)
    if made is None:
        raise MatchdayError("the run has promoted nothing: what its gate and promotion said is above")
    console.print(f"{made.name} version {made.version} is champion")


def _make_buckets(settings: Settings, seconds: float) -> dict[str, bool]:
    """The buckets of the settings, and whether each was made."""
    names = {bucket.bucket_of(url) for url in (settings.lake, settings.feast_registry)}
    return {name: bucket.ensure(name, seconds) for name in sorted(filter(None, names))}


def _champion(registry: Registry) -> ModelVersion | None:
    return registry.aliased("match-outcome", CHAMPION)


def _kubeflow_answers() -> bool:
    if not (endpoint := os.environ.get(VARIABLE, "")):
        return False
    try:
        Kubeflow(endpoint)
    except MatchdayError as error:
        console.print(f"{error}; training here instead")
        return False
    return True
