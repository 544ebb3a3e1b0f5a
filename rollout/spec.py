"""What a person asks of a rollout: the `spec` of a ModelRollout, the same on Kubernetes and on one machine."""

from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from matchday.errors import MatchdayError
from rollout.judge import JudgeLimits

FULL_WEIGHT = 100
"""Percent: every request."""


class SpecError(MatchdayError):
    """A spec that cannot be carried out."""


class PromotionPolicy(StrEnum):
    """Who says the last word."""

    MANUAL = "Manual"
    AUTOMATIC = "Automatic"


class UndecidedPolicy(StrEnum):
    """What becomes of a step whose time is up without evidence, or whose history does not decide."""

    ROLL_BACK = "RollBack"
    PAUSE = "Pause"


class SpecPart(BaseModel):
    """A part of a spec, written in camelCase; a key that it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class ShadowStep(SpecPart):
    """Before any traffic: the candidate answers rows that nobody waits for."""

    rows: int = Field(380, ge=0, le=1000, description="Rows both versions answer, at most: a season; 0: no shadow.")
    history_weeks: int = Field(52, ge=0, description="Weeks of walk-forward forecasts compared; 0 is none.")
    hold_seconds: float = Field(0.0, ge=0, description="Least time before traffic.")
    deadline_seconds: float = Field(900.0, gt=0, description="Time for evidence.")
    approval: bool = Field(False, description="A person must approve before traffic.")


class TrafficStep(SpecPart):
    """A share of the requests for the candidate, and what must be seen before the next."""

    weight: int = Field(ge=1, le=FULL_WEIGHT, description="Percent of requests; 100 only as the last.")
    hold_seconds: float = Field(300.0, ge=0, description="Least time at this weight.")
    min_requests: int = Field(0, ge=0, description="Least requests to the candidate at this weight.")
    deadline_seconds: float = Field(3600.0, gt=0, description="Time for evidence.")
    approval: bool = Field(False, description="A person must approve before the next step.")

    @model_validator(mode="after")
    def _deadline_after_hold(self) -> "TrafficStep":
        if self.deadline_seconds <= self.hold_seconds:
            raise ValueError(f"deadlineSeconds {self.deadline_seconds:g} must be more than holdSeconds")
        return self


def _limits(given: Any) -> Any:
    return given if isinstance(given, JudgeLimits) else JudgeLimits.from_dict(given)


class Spec(SpecPart):
    """A rollout as wanted. Nothing here changes while it runs."""

    inference_service: str = Field(min_length=1, description="The service whose traffic is split.")
    model: str = Field("match-outcome", min_length=1, description="Registered model.")
    candidate: str = Field("challenger", min_length=1, description="Version or alias to try.")
    shadow: ShadowStep | None = Field(default_factory=ShadowStep, description="null, or rows: 0: none.")
    steps: tuple[TrafficStep, ...] = Field(
        (TrafficStep(weight=5), TrafficStep(weight=25), TrafficStep(weight=50)),
        min_length=1,
        description="Weights, increasing.",
    )
    limits: Annotated[JudgeLimits, BeforeValidator(_limits), PlainSerializer(lambda limits: limits.to_dict())] = Field(
        default_factory=JudgeLimits, description="What the judge allows."
    )
    promotion: PromotionPolicy = Field(PromotionPolicy.MANUAL, description="Whether a person approves the promotion.")
    undecided: UndecidedPolicy = Field(
        UndecidedPolicy.ROLL_BACK, description="When time is up, or the history does not decide."
    )
    ready_seconds: float = Field(600.0, gt=0, description="Time the candidate has to become ready.")
    promotion_seconds: float = Field(900.0, gt=0, description="Time a promotion may take before it is put back.")
    cooldown_seconds: float = Field(86400.0, ge=0, description="After a roll-back: the same version is not tried.")

    @field_validator("shadow")
    @classmethod
    def _no_rows_no_shadow(cls, shadow: ShadowStep | None) -> ShadowStep | None:
        """`kubectl apply` drops a null on its way, so there is a number that says the same."""
        return shadow if shadow and shadow.rows else None

    @model_validator(mode="after")
    def _steps_increase(self) -> "Spec":
        weights = [step.weight for step in self.steps]
        if any(later <= earlier for earlier, later in pairwise(weights)):
            raise ValueError(f"steps: weights must increase, and {weights} do not")
        if weights == [FULL_WEIGHT]:
            raise ValueError("steps: one step of 100 percent is no canary; begin with a smaller weight")
        return self

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> "Spec":
        """A spec as it is written in YAML. Raises SpecError that names each key that is wrong."""
        try:
            return cls.model_validate(dict(given))
        except ValidationError as error:
            said = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'spec'}: {e['msg']}" for e in error.errors())
            raise SpecError(f"this rollout cannot be carried out: {said}") from None
        except MatchdayError as error:
            raise SpecError(f"this rollout cannot be carried out: limits: {error}") from None

    def to_dict(self) -> dict[str, Any]:
        """As written in YAML."""
        return self.model_dump(mode="json", by_alias=True)
