"""The bundle of a trained `match-outcome`."""

from pathlib import Path

from matchday.bundle import write_bundle
from matchday.features.fixture import FEATURES, SERVICE
from matchday.models import outcome
from matchday.models.card import card
from matchday.models.evaluation import Evaluation
from matchday.models.training import Trained
from matchday.scores.outcome import CLASSES
from matchday.signature import Signature


def bundle(trained: Trained, evaluation: Evaluation, folder: Path) -> Signature:
    """Write the bundle of a trained model with its card; returns its signature. Raises BundleError."""
    signature = Signature(
        model=outcome.MODEL,
        feature_service=SERVICE,
        features=FEATURES,
        fingerprint=trained.data,
        trained_until=trained.trained_until,
        classes=CLASSES,
    )
    write_bundle(folder, trained.graph, signature, trained.explainer, card(trained, evaluation))
    return signature
