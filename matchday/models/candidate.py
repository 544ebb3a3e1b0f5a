"""A trained model on its way through the registry: registered, compared, promoted."""

import tempfile
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from matchday.commit import commit
from matchday.errors import MatchdayError
from matchday.features.tables import code
from matchday.models import outcome
from matchday.models.evaluation import Evaluation
from matchday.models.packaging import bundle
from matchday.models.promotion import Contender, Promotion, decide
from matchday.models.skill import FORECASTS
from matchday.models.training import Trained
from matchday.registry import CHALLENGER, CHAMPION, ModelVersion, Registry
from matchday.settings import Settings

EXPERIMENT = outcome.MODEL
DEFINITIONS = "feature_code"
"""Tag of a version: fingerprint of the code that made the features it learnt from."""


RUN = "pipeline_run"
"""Tag of a version: id of the latest run of a pipeline that registered it."""


def register(settings: Settings, model: Path, forecasts: Path, run: str) -> ModelVersion:
    """Bundle and register a trained model with its scores; it becomes challenger, unless it is the champion.

    run: id of the pipeline's run, by which `registered_by` finds the version. The same model and scores give the
    version that is there already. Raises BundleError, RegistryError.
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
                DEFINITIONS: code(),
            },
            bundle_folder=Path(scratch) / "bundle",
            model=outcome.MODEL,
            attachments={FORECASTS: forecasts},
        )
    registry.set_tag(version, RUN, run)
    if registry.aliases(outcome.MODEL).get(CHAMPION) != version.version:
        registry.set_alias(outcome.MODEL, CHALLENGER, version.version)
    return registry.resolve(version.uri)


def registered_by(registry: Registry, run: str) -> ModelVersion | None:
    """The version that a run registered; None when it registered none, or a later run the same one."""
    return registry.find(outcome.MODEL, {RUN: run})


def promote(settings: Settings, version: str, as_of: datetime) -> Promotion:
    """Hold a version against the champion, and make it champion when `promotion.decide` says so.

    Where rollouts promote, only a champion that is missing is made here: any other version stays the challenger.
    """
    registry = Registry(settings.tracking_uri)
    champion = registry.aliased(outcome.MODEL, CHAMPION)
    challenger = registry.resolve(f"mlflow://{outcome.MODEL}/{version}")
    if champion and not registry.whole(champion):
        decision = Promotion(True, f"champion {champion.version} has lost its files")
    elif champion and settings.promotion == "judge":
        told = f"version {version} is the challenger of champion {champion.version}: here a rollout judges and promotes"
        decision = Promotion(False, told)
    else:
        holder = _contender(registry, champion) if champion else None
        decision = decide(holder, _contender(registry, challenger), as_of, rewind=settings.embedded)
    if decision.promoted:
        registry.promote(outcome.MODEL, version)
    return decision


def evaluation_of(registry: Registry, version: ModelVersion) -> Evaluation:
    """The walk-forward forecasts that a version was registered with."""
    with tempfile.TemporaryDirectory() as scratch:
        return Evaluation.load(registry.attachment(version, FORECASTS, Path(scratch)))


def _contender(registry: Registry, version: ModelVersion) -> Contender:
    until = datetime.fromisoformat(version.tags["trained_until"])
    forecasts = evaluation_of(registry, version).model.forecasts
    return Contender(version.version, until, version.tags.get(DEFINITIONS, ""), forecasts)


def check_fit(settings: Settings, as_of: datetime) -> None:
    """Raises MatchdayError unless the champion may forecast at `as_of` from the features of this code.

    After a run whose model was refused the champion is still the former one.
    """
    champion = Registry(settings.tracking_uri).resolve(f"mlflow://{outcome.MODEL}@{CHAMPION}")
    if datetime.fromisoformat(champion.tags["trained_until"]) > as_of:
        raise MatchdayError(
            f"champion {champion.version} has learnt from after {as_of:%Y-%m-%d}, and the model trained for that day "
            "was refused: choose another date"
        )
    if champion.tags.get(DEFINITIONS) != code():
        raise MatchdayError(
            f"champion {champion.version} was trained on features that are defined otherwise by now, and the new model "
            "was refused: see the gate's reasons above"
        )


def _metrics(trained: Trained, evaluation: Evaluation) -> dict[str, float]:
    own = {f"walk_forward_{name}": float(value) for name, value in evaluation.model.score().as_dict().items()}
    others = {
        f"baseline_{''.join(c if c.isalnum() else '_' for c in name)}_rps": walk.score().rps
        for name, walk in evaluation.walks.items()
        if name != outcome.MODEL
    }
    return {**own, **others, "parity": trained.parity.largest}
