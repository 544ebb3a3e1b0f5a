"""The bundle of a trained model."""

from pathlib import Path

from matchday.bundle import write_bundle
from matchday.features import entities
from matchday.models.card import card
from matchday.models.evaluation import Evaluation
from matchday.models.kind import ModelKind
from matchday.models.recipe import Recipe
from matchday.models.trained import Trained
from matchday.signature import Signature


def bundle(recipe: Recipe, trained: Trained, evaluation: Evaluation, folder: Path) -> Signature:
    """Write the bundle of a trained model with its card; returns its signature. Raises BundleError."""
    signature = describe(recipe.kind, trained.data, trained.trained_until)
    text = card(trained, evaluation, recipe.notes(trained))
    write_bundle(folder, trained.graph, signature, trained.explainer, text)
    return signature


def describe(kind: ModelKind, fingerprint: str, trained_until: str) -> Signature:
    """The signature of a model of this kind.

    features: columns of its input in order. fingerprint: of its training data. trained_until: ISO 8601 time.
    """
    return Signature(
        model=kind.name,
        feature_service=kind.feature_service,
        features=kind.features,
        inputs=kind.inputs,
        views=[entities.view(name) for name in dict.fromkeys(feature.view for feature in kind.features)],
        fingerprint=fingerprint,
        trained_until=trained_until,
        output=kind.output.name,
        classes=kind.output.classes,
        moment=kind.moment,
        distinct=kind.distinct,
        numbers=kind.numbers,
        further=kind.further,
    )
