"""A trained model on its way through the registry: registered, compared, promoted."""

import tempfile
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from matchday.commit import commit
from matchday.models import outcome
from matchday.models.evaluation import Evaluation
from matchday.models.packaging import bundle
from matchday.models.promotion import Contender, Promotion, decide
from matchday.models.training import Trained
from matchday.registry import CHALLENGER, CHAMPION, ModelVersion, Registry
from matchday.settings import Settings

EXPERIMENT = outcome.MODEL
FORECASTS = "forecasts.parquet"
"""Beside the bundle of every version: its walk-forward forecasts, for paired comparisons later."""


def register(settings: Settings, model: Path, forecasts: Path) -> ModelVersion:
    """Bundle and register a trained model with its scores; it becomes challenger.

    The same model and scores give the version that is there already. Raises BundleError, RegistryError.
    """
    trained, evaluation = Trained.load(model), Evaluation.load(forecasts)
    registry = Registry(settings.tracking_uri)
    with tempfile.TemporaryDirectory() as scratch:
        signature = bundle(trained, evaluation, Path(scratch) / "bundle")
        version = registry.log_run(
            experiment=EXPERIMENT,
            params={**asdict(trained.parameters), "matches": trained.matches},
            metrics=_metrics(trained, evaluation),
            tags={
                "data_fingerprint": trained.data,
                "git_commit": commit(),
                "feature_service": signature.feature_service,
                "trained_until": trained.trained_until,
            },
            bundle_folder=Path(scratch) / "bundle",
            model=outcome.MODEL,
            attachments={FORECASTS: forecasts},
        )
    registry.set_alias(outcome.MODEL, CHALLENGER, version.version)
    return version


def promote(settings: Settings, version: str, as_of: datetime) -> Promotion:
    """Hold a version against the champion, and make it champion when `promotion.decide` says so."""
    registry = Registry(settings.tracking_uri)
    champion = registry.aliased(outcome.MODEL, CHAMPION)
    challenger = registry.resolve(f"mlflow://{outcome.MODEL}/{version}")
    decision = decide(_contender(registry, champion) if champion else None, _contender(registry, challenger), as_of)
    if decision.promoted:
        registry.promote(outcome.MODEL, version)
    return decision


def evaluation_of(registry: Registry, version: ModelVersion) -> Evaluation:
    """The walk-forward forecasts that a version was registered with."""
    with tempfile.TemporaryDirectory() as scratch:
        return Evaluation.load(registry.attachment(version, FORECASTS, Path(scratch)))


def _contender(registry: Registry, version: ModelVersion) -> Contender:
    until = datetime.fromisoformat(version.tags["trained_until"])
    return Contender(version.version, until, evaluation_of(registry, version).model.forecasts)


def _metrics(trained: Trained, evaluation: Evaluation) -> dict[str, float]:
    own = {f"walk_forward_{name}": float(value) for name, value in evaluation.model.score().as_dict().items()}
    others = {
        f"baseline_{''.join(c if c.isalnum() else '_' for c in name)}_rps": walk.score().rps
        for name, walk in evaluation.walks.items()
        if name != outcome.MODEL
    }
    return {**own, **others, "parity": trained.parity.largest}
