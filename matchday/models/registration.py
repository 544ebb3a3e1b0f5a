"""Registering a trained model: bundle, scores, forecasts and tags become a version in the registry."""

import json
import tempfile
from pathlib import Path

from matchday.commit import commit
from matchday.features.values import feature_values
from matchday.models import tags
from matchday.models.evaluation import Evaluation
from matchday.models.kind import ModelKind
from matchday.models.packaging import bundle
from matchday.models.recipe import load_recipe
from matchday.models.skill import FORECASTS
from matchday.models.trained import Trained
from matchday.registry import CHALLENGER, CHAMPION, ModelVersion, Registry
from matchday.settings import Settings
from matchday.sources.snapshot import Snapshot


def register(kind: ModelKind, settings: Settings, model: Path, forecasts: Path, run: str) -> ModelVersion:
    """Bundle and register a trained model with its scores; it becomes challenger, unless it is the champion.

    run: id of the pipeline's run, by which `registered_by` finds the version. The same model and scores give the
    version that is there already. Raises BundleError, EvaluationError, RegistryError, SnapshotError.
    """
    trained, evaluation = Trained.load(model), Evaluation.load(kind, forecasts)
    values = feature_values(Snapshot(settings.snapshot), kind.features)
    registry = Registry(settings.tracking_uri)
    with tempfile.TemporaryDirectory() as scratch:
        bundle(load_recipe(kind), trained, evaluation, Path(scratch) / "bundle")
        version = registry.log_run(
            experiment=kind.name,
            params={**trained.parameters, "matches": trained.matches},
            metrics=_metrics(trained, evaluation),
            tags={
                "data_fingerprint": trained.data,
                "git_commit": commit(),
                tags.FEATURE_SERVICE: kind.feature_service,
                tags.TRAINED_UNTIL: trained.trained_until,
                tags.FEATURE_VALUES: json.dumps(values, sort_keys=True),
            },
            bundle_folder=Path(scratch) / "bundle",
            model=kind.name,
            attachments={FORECASTS: forecasts},
        )
    registry.set_tag(version, tags.RUN, run)
    if registry.aliases(kind.name).get(CHAMPION) != version.version:
        registry.set_alias(kind.name, CHALLENGER, version.version)
    return registry.resolve(version.uri)


def registered_by(kind: ModelKind, registry: Registry, run: str) -> ModelVersion | None:
    """The version that a run registered; None when it registered none, or a later run the same one."""
    return registry.find(kind.name, {tags.RUN: run})


def evaluation_of(kind: ModelKind, registry: Registry, version: ModelVersion) -> Evaluation:
    """The walk-forward forecasts that a version was registered with. Raises RegistryError, EvaluationError."""
    with tempfile.TemporaryDirectory() as scratch:
        return Evaluation.load(kind, registry.attachment(version, FORECASTS, Path(scratch)))


def _metrics(trained: Trained, evaluation: Evaluation) -> dict[str, float]:
    score = evaluation.kind.score.name
    own = {f"walk_forward_{name}": float(value) for name, value in evaluation.scores().items()}
    others = {
        f"baseline_{''.join(c if c.isalnum() else '_' for c in name)}_{score}": evaluation.scores(name)[score]
        for name in evaluation.walks
        if name != evaluation.kind.name
    }
    return {**own, **others, "parity": trained.parity.largest}
