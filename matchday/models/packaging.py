"""The bundle of a trained model."""

from pathlib import Path

from matchday.bundle import write_bundle
from matchday.features.fixture import FEATURES
from matchday.models.card import card
from matchday.models.evaluation import Evaluation
from matchday.models.recipe import Recipe
from matchday.models.trained import Trained
from matchday.signature import Signature


def bundle(recipe: Recipe, trained: Trained, evaluation: Evaluation, folder: Path) -> Signature:
    """Write the bundle of a trained model with its card; returns its signature. Raises BundleError."""
    kind = recipe.kind
    signature = Signature(
        model=kind.name,
        feature_service=kind.feature_service,
        features=FEATURES,
        fingerprint=trained.data,
        trained_until=trained.trained_until,
        classes=kind.output.classes,
        inputs=[each.name for each in kind.inputs],
        output=kind.output.name,
    )
    text = card(trained, evaluation, recipe.notes(trained))
    write_bundle(folder, trained.graph, signature, trained.explainer, text)
    return signature
