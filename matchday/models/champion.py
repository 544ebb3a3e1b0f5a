"""The champion of a model: replaced by a better version, and checked before it forecasts."""

from datetime import datetime

from matchday.errors import MatchdayError
from matchday.features.services import SERVICES
from matchday.features.values import feature_values
from matchday.models import tags
from matchday.models.kind import ModelKind
from matchday.models.promotion import Contender, PromotionDecision, changed_values, decide
from matchday.models.skill import registered_forecasts
from matchday.registry import CHAMPION, ModelVersion, Registry
from matchday.settings import Settings
from matchday.sources.snapshot import Snapshot


def promote(kind: ModelKind, settings: Settings, version: str, as_of: datetime) -> PromotionDecision:
    """Compare a version with the champion, and make it champion when `promotion.decide` says so.

    A champion that cannot be served any more is replaced without comparison. Where rollouts promote
    (`MATCHDAY_PROMOTION=judge`), only a champion that is missing or cannot be served is replaced here: any other
    version stays the challenger. Raises RegistryError.
    """
    registry = Registry(settings.tracking_uri)
    champion = registry.at_alias(kind.name, CHAMPION)
    challenger = registry.resolve(f"mlflow://{kind.name}/{version}")
    decision = _decide(kind, settings, registry, champion, challenger, as_of)
    if decision.promoted:
        registry.promote(kind.name, version)
    return decision


def check_fit(kind: ModelKind, settings: Settings, as_of: datetime) -> None:
    """Raises MatchdayError unless the champion may forecast at `as_of` from the features of this code.

    After a run whose model was not promoted the champion is still the former one. Of a champion that does not say which
    values its features have (see `tags.FEATURE_VALUES`) only the feature service is checked.
    """
    champion = Registry(settings.tracking_uri).resolve(f"mlflow://{kind.name}@{CHAMPION}")
    if tags.trained_until(champion) > as_of:
        raise MatchdayError(
            f"champion {champion.version} has learnt from after {as_of:%Y-%m-%d}, and the model trained for that day "
            "was refused: choose another date"
        )
    wrong = _service_gone(champion)
    if not wrong and (values := tags.feature_values(champion)):
        features = SERVICES[champion.tags[tags.FEATURE_SERVICE]].features
        wrong = changed_values(champion.version, values, feature_values(Snapshot(settings.snapshot), features))
    if wrong:
        raise MatchdayError(f"{wrong}, and the new model was not promoted: see the reasons of its gate and promotion")


def _decide(
    kind: ModelKind,
    settings: Settings,
    registry: Registry,
    champion: ModelVersion | None,
    challenger: ModelVersion,
    as_of: datetime,
) -> PromotionDecision:
    if champion and champion.version != challenger.version:
        if lost := _cannot_be_served(registry, champion):
            return PromotionDecision(True, f"{lost}: it can no longer be served")
        if settings.promotion == "judge":
            told = f"version {challenger.version} is the challenger of champion {champion.version}"
            return PromotionDecision(False, f"{told}: here a rollout judges and promotes")
    holder = _contender(kind, registry, champion) if champion else None
    return decide(kind, holder, _contender(kind, registry, challenger), as_of, rewind=settings.embedded)


def _cannot_be_served(registry: Registry, champion: ModelVersion) -> str:
    """Why a champion cannot be served, for people; empty when it can."""
    if not registry.is_complete(champion):
        return f"champion {champion.version} has lost its files"
    return _service_gone(champion)


def _service_gone(champion: ModelVersion) -> str:
    """Says so when this code defines no feature service of the name that a champion reads; empty when it does."""
    service = champion.tags.get(tags.FEATURE_SERVICE)
    if service in SERVICES:
        return ""
    return f"champion {champion.version} reads the feature service {service}, which is gone"


def _contender(kind: ModelKind, registry: Registry, version: ModelVersion) -> Contender:
    return Contender(
        version=version.version,
        trained_until=tags.trained_until(version),
        forecasts=registered_forecasts(registry, kind, version.version),
        feature_service=version.tags.get(tags.FEATURE_SERVICE, ""),
        feature_values=tags.feature_values(version),
    )
