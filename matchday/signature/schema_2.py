"""Signatures of schema 2 as schema 3. Read for one more release: then this module goes.

Schema 2 knew neither numbers of the request among the columns nor outputs beside the forecast.
"""

from collections.abc import Mapping
from typing import Any

from matchday.signature.checks import SignatureError

ADDED = ("numbers", "further")
"""Fields of schema 3 that schema 2 did not have."""


def upgrade(value: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object of schema 3. Raises SignatureError for a field that schema 2 did not have."""
    if unknown := sorted(set(ADDED) & set(value)):
        raise SignatureError(f"the signature holds {', '.join(unknown)}, unknown in schema 2")
    return {**value, "schema": 3, **{field: [] for field in ADDED}}
