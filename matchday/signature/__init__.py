"""Model signature: what goes into a model and what comes out. Standard library only: the server imports this."""

from matchday.signature.checks import SignatureError
from matchday.signature.feature import DaysSince, EntityInput, FeatureRef, FurtherOutput, NumberInput, ViewRef
from matchday.signature.signature import RAW_INPUT, SCHEMA, Signature

__all__ = [
    "RAW_INPUT",
    "SCHEMA",
    "DaysSince",
    "EntityInput",
    "FeatureRef",
    "FurtherOutput",
    "NumberInput",
    "Signature",
    "SignatureError",
    "ViewRef",
]
