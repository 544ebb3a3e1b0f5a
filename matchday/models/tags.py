"""Tags of registered versions: what promotion reads of a version without fetching its files."""

import json
from collections.abc import Mapping
from datetime import datetime

from matchday.registry import ModelVersion, RegistryError

TRAINED_UNTIL = "trained_until"
"""End of the last match that the version learnt from, ISO 8601."""
FEATURE_SERVICE = "feature_service"
"""The Feast service that it reads."""
FEATURE_VALUES = "feature_values"
"""Fingerprints of its features' values on a pinned slice of the history, JSON by feature."""
RUN = "pipeline_run"
"""Id of the latest run of a pipeline that registered it."""


def trained_until(version: ModelVersion) -> datetime:
    """When the last match that a version learnt from had ended. Raises RegistryError where it does not say."""
    try:
        return datetime.fromisoformat(version.tags[TRAINED_UNTIL])
    except (KeyError, ValueError):
        raise RegistryError(
            f"{version.uri} does not say until when it was trained (tag {TRAINED_UNTIL}): point the alias to a version "
            "that a pipeline registered"
        ) from None


def feature_values(version: ModelVersion) -> Mapping[str, str]:
    """Fingerprints by feature; empty for a version that was registered before this tag, or without it."""
    try:
        return dict(json.loads(version.tags.get(FEATURE_VALUES, "{}")))
    except ValueError:
        return {}
