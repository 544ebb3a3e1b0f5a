"""What `make next` does before it forecasts: a champion, features of what is new, the online store."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from console.operations import coming_forecasts, feature_refresh, training
from console.operations.events import LocalEvent, LocalRunFinished
from matchday.features.freshness import downstream_is_current
from matchday.lake.reader import LakeReader
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.registry import CHAMPION, Registry
from matchday.settings import Settings


@dataclass(frozen=True)
class RefreshedFeatures:
    """Features and online store after a refresh. changed: whether there was anything to do. as_of: of the store."""

    changed: bool
    as_of: datetime


def ensure_champion(on_event: Callable[[LocalEvent | LocalRunFinished], None]) -> bool:
    """Train a champion as the demonstration does, where there is none. Returns whether one was trained.

    Raises MatchdayError when there is none after that.
    """
    registry = Registry(Settings().tracking_uri)
    if registry.at_alias(MATCH_OUTCOME.name, CHAMPION):
        return False
    on_event(training.train(MATCH_OUTCOME.name, training.training_moment(None), on_event))
    registry.resolve(f"mlflow://{MATCH_OUTCOME.name}@{CHAMPION}")
    return True


def refresh_features() -> RefreshedFeatures:
    """Make features of what is new in the lake, and fill the online store with all that is known by now.

    Raises MatchdayError.
    """
    settings, now = Settings(), coming_forecasts.read_clock().replace(microsecond=0)
    reader = LakeReader(settings.lake)
    if downstream_is_current(reader, now):
        return RefreshedFeatures(False, now)
    feature_refresh.rebuild(settings, now)
    return RefreshedFeatures(True, now)
