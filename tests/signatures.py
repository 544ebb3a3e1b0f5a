"""Signatures of models over teams, for tests."""

from collections.abc import Sequence
from typing import Any

from matchday.features.entities import TEAM, view
from matchday.features.rest import LONGEST_REST
from matchday.signature import DaysSince, FeatureRef, Signature

REST = DaysSince(LONGEST_REST)


def match_signature(features: Sequence[FeatureRef], **changes: Any) -> Signature:
    """The signature of a `match-outcome` of these features, whose inputs are home and away."""
    fields = {
        "model": "match-outcome",
        "feature_service": "match_outcome_v1",
        "features": list(features),
        "inputs": [TEAM.named("home"), TEAM.named("away")],
        "views": [view(name) for name in dict.fromkeys(feature.view for feature in features)],
        "fingerprint": "f" * 64,
        "trained_until": "2026-05-17T18:00:00+00:00",
        "output": "probabilities",
        "classes": ("H", "D", "A"),
        "moment": "kickoff",
        "distinct": ("home", "away"),
    }
    return Signature(**(fields | changes))
