"""The bundle of a trained `match-outcome`."""

from pathlib import Path

from matchday.bundle import write_bundle
from matchday.features import fixture
from matchday.models import outcome
from matchday.models.card import card
from matchday.models.evaluation import Evaluation
from matchday.models.training import Trained
from matchday.scores.outcome import CLASSES
from matchday.signature import Signature


def bundle(trained: Trained, evaluation: Evaluation, folder: Path) -> Signature:
    """Write the bundle of a trained model with its card; returns its signature. Raises BundleError."""
    signature = match_outcome_signature(trained.data, trained.trained_until)
    write_bundle(folder, trained.graph, signature, trained.explainer, card(trained, evaluation))
    return signature


def match_outcome_signature(fingerprint: str, trained_until: str) -> Signature:
    """The signature of a `match-outcome`. fingerprint: of its training data. trained_until: ISO 8601 time."""
    return Signature(
        model=outcome.MODEL,
        feature_service=fixture.SERVICE,
        features=fixture.FEATURES,
        inputs=fixture.INPUTS,
        views=fixture.VIEWS,
        moment=fixture.MOMENT,
        distinct=[each.name for each in fixture.INPUTS],
        fingerprint=fingerprint,
        trained_until=trained_until,
        output="probabilities",
        classes=CLASSES,
    )
