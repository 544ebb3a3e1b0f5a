"""Specification of a rollout: the `spec` of a ModelRollout, on Kubernetes and on one machine."""

import copy
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
from matchday.models.catalogue import KINDS
from rollout.judge import JudgeLimits
from rollout.query_gate import QueryGate

FULL_WEIGHT = 100
"""Percent: every request."""
FULL_STEP = (
    "steps: at 100 percent the champion gets no request to compare with; end with a smaller weight, such as 50: the "
    "promotion then gives the candidate every request"
)
"""Why no step may have every request."""

DEFAULT_REQUIRED = [*JudgeLimits().required]
COUNTED = ("errors", "latency", "restarts")
"""Checks of what any server counts. The others need Matchday's registry, rows, or features."""


class SpecError(MatchdayError):
    """A specification that cannot be carried out."""


class PromotionPolicy(StrEnum):
    """Who decides on the promotion: a person, or the judge."""

    MANUAL = "Manual"
    AUTOMATIC = "Automatic"


class UndecidedPolicy(StrEnum):
    """What to do when a deadline passes without a verdict, or when past weeks give none.

    Wait: stay at this weight; go on once the judge passes the candidate, or when a person approves. Pause: only a
    person lets it go on. RollBack: withdraw the candidate. None of them counts against the candidate's version.
    """

    WAIT = "Wait"
    PAUSE = "Pause"
    ROLL_BACK = "RollBack"


class SpecPart(BaseModel):
    """A part of a specification, written in camelCase; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class ShadowStep(SpecPart):
    """The step before any traffic: both versions answer the same rows, and no user sees the candidate's answers."""

    rows: int = Field(380, ge=0, le=1000, description="Most rows that both versions answer: a season; 0: no shadow.")
    history_weeks: int = Field(52, ge=0, description="Weeks of walk-forward forecasts to compare; 0: none.")
    requests: int = Field(
        0, ge=0, le=20_000, description="Requests replayed to each version for errors and latency; 0: none."
    )
    per_second: float = Field(20.0, ge=0.2, le=200, description="Replayed requests a second to each version, at most.")
    mirror: int = Field(
        0, ge=0, le=100, description="Percent of users' requests copied to the candidate, its answers dropped; 0: none."
    )
    hold_seconds: float = Field(0.0, ge=0, description="Least time before traffic.")
    deadline_seconds: float = Field(900.0, gt=0, description="Time in which the judge must decide.")
    approval: bool = Field(False, description="A person must approve before traffic.")

    @model_validator(mode="after")
    def _mirror_needs_rows(self) -> "ShadowStep":
        if self.mirror and not self.rows:
            raise ValueError("mirror needs the shadow step, and rows: 0 leaves that out")
        if self.requests and not self.rows:
            raise ValueError("requests needs the shadow step, and rows: 0 leaves that out")
        return self


class TrafficStep(SpecPart):
    """A step with traffic: the candidate's share of the requests, and what must be seen before the next step."""

    weight: int = Field(ge=1, le=FULL_WEIGHT, description="Percent of requests, below 100.")
    hold_seconds: float = Field(300.0, ge=0, description="Least time at this weight.")
    min_requests: int = Field(0, ge=0, description="Least requests to the candidate at this weight.")
    deadline_seconds: float = Field(86400.0, gt=0, description="Time in which the judge must decide.")
    approval: bool = Field(False, description="A person must approve before the next step.")

    @model_validator(mode="after")
    def _deadline_after_hold(self) -> "TrafficStep":
        if self.deadline_seconds <= self.hold_seconds:
            raise ValueError(f"deadlineSeconds {self.deadline_seconds:g} must be more than holdSeconds")
        return self


def _rows_of(request: Mapping[str, Any]) -> int:
    """Rows of a V2 request, by the shape of its first input; 0 for what is no such request."""
    try:
        inputs = request["inputs"]
        whole = all({"name", "datatype", "shape", "data"} <= set(each) for each in inputs)
        return int(inputs[0]["shape"][0]) if whole else 0
    except (KeyError, IndexError, TypeError, ValueError):
        return 0


def _parse_limits(given: Any) -> Any:
    return given if isinstance(given, JudgeLimits) else JudgeLimits.from_dict(given)


class Spec(SpecPart):
    """A rollout as a person asks for it. The rollout itself never changes it."""

    inference_service: str = Field(min_length=1, description="The service whose traffic is split.")
    model: str = Field(next(iter(KINDS)), min_length=1, description="Registered model.")
    candidate: str = Field("challenger", min_length=1, description="Version or alias to try.")
    storage_uri: str = Field("", max_length=2048, description="Storage of the candidate, where no registry holds it.")
    panel: tuple[dict[str, Any], ...] = Field(
        (), max_length=100, description="Requests (V2) that both versions answer, where no registry gives rows to ask."
    )
    shadow: ShadowStep | None = Field(default_factory=ShadowStep, description="null, or rows: 0: none.")
    steps: tuple[TrafficStep, ...] = Field(
        (TrafficStep(weight=5), TrafficStep(weight=25), TrafficStep(weight=50)),
        min_length=1,
        description="Steps with increasing weights.",
    )
    limits: Annotated[JudgeLimits, BeforeValidator(_parse_limits), PlainSerializer(lambda limits: limits.to_dict())] = (
        Field(default_factory=JudgeLimits, description="How much worse the candidate may be.")
    )
    checks: tuple[QueryGate, ...] = Field((), max_length=20, description="Checks of one's own, by PromQL.")
    promotion: PromotionPolicy = Field(PromotionPolicy.MANUAL, description="Whether a person approves the promotion.")
    undecided: UndecidedPolicy = Field(UndecidedPolicy.WAIT, description="When the judge does not decide in time.")
    ready_seconds: float = Field(600.0, gt=0, description="Time in which the candidate must become ready.")
    promotion_seconds: float = Field(900.0, gt=0, description="Time in which a promotion must end, or it is undone.")
    bake_seconds: float = Field(
        3600.0, ge=0, description="Time after the promotion in which the judge may take it back; 0: none."
    )
    cooldown_seconds: float = Field(
        86400.0, ge=0, description="Time after a roll-back in which the same version is not tried again."
    )

    @model_validator(mode="before")
    @classmethod
    def _without_registry(cls, given: Any) -> Any:
        """Without a registry there is no past, and no row but those of a panel: defaults do not ask for them."""
        if not isinstance(given, Mapping) or not given.get("storageUri"):
            return given
        limits, shadow = given.get("limits") or {}, given.get("shadow") or {}
        known = (*COUNTED, "predictions") if given.get("panel") else COUNTED
        if isinstance(limits, Mapping) and [*limits.get("required", DEFAULT_REQUIRED)] == DEFAULT_REQUIRED:
            limits = {**limits, "required": [name for name in DEFAULT_REQUIRED if name in known]}
        if isinstance(shadow, Mapping):
            if shadow.get("mirror") or shadow.get("requests"):
                raise ValueError(
                    "shadow.mirror and shadow.requests need a model registry, and storageUri is without one"
                )
            if not given.get("panel") and (waits := [name for name in ("approval", "holdSeconds") if shadow.get(name)]):
                raise ValueError(f"shadow.{waits[0]} needs the shadow step, and storageUri without a panel has none")
            shadow = {**shadow, "historyWeeks": 0} if given.get("panel") else None
        return {**given, "limits": limits, "shadow": shadow}

    @field_validator("panel")
    @classmethod
    def _requests_have_rows(cls, panel: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        for number, request in enumerate(panel):
            if not _rows_of(request):
                raise ValueError(f"request {number} has no inputs with a name, a datatype, a shape and data")
        return panel

    @model_validator(mode="after")
    def _panel_without_registry(self) -> "Spec":
        if self.panel and not self.storage_uri:
            raise ValueError("panel is for a storageUri: of a registered model the rows to ask are known")
        if self.panel and not self.shadow:
            raise ValueError("panel needs the shadow step, and rows: 0 leaves that out")
        return self

    @property
    def panel_rows(self) -> int:
        """Rows of all requests of the panel."""
        return sum(map(_rows_of, self.panel))

    @field_validator("shadow")
    @classmethod
    def _no_rows_is_no_shadow(cls, shadow: ShadowStep | None) -> ShadowStep | None:
        """`kubectl apply` drops a null before it reaches the API, so `rows: 0` says the same."""
        return shadow if shadow and shadow.rows else None

    @field_validator("checks")
    @classmethod
    def _names_differ(cls, checks: tuple[QueryGate, ...]) -> tuple[QueryGate, ...]:
        names = [check.name for check in checks]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"{twice[0]} is there twice")
        return checks

    @model_validator(mode="after")
    def _weights_increase(self) -> "Spec":
        weights = [step.weight for step in self.steps]
        if any(later <= earlier for earlier, later in pairwise(weights)):
            raise ValueError(f"steps: weights must increase, and {weights} do not")
        return self

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> "Spec":
        """A specification as a person writes it in YAML. Raises SpecError that names each wrong key."""
        spec = cls.restore(given)
        if spec.has_full_step:
            raise SpecError(f"this rollout cannot be carried out: {FULL_STEP}")
        return spec

    @classmethod
    def restore(cls, given: Mapping[str, Any]) -> "Spec":
        """A saved specification. Raises SpecError. Earlier releases let the last step be one of 100 percent."""
        try:
            return cls.model_validate(dict(given))
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'spec'}: {e['msg']}" for e in error.errors())
            raise SpecError(f"this rollout cannot be carried out: {wrong}") from None
        except MatchdayError as error:
            raise SpecError(f"this rollout cannot be carried out: limits: {error}") from None

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> tuple["Spec", tuple[str, ...]]:
        """A saved specification without the keys that this release does not know, and their names.

        A newer definition may have them. What a person writes is parsed instead, so that a typo is found.
        Raises SpecError.
        """
        kept, ignored = copy.deepcopy(dict(given)), []
        for place in _unknown_keys(cls, kept):
            part: Any = kept
            for key in place[:-1]:
                part = part[key]
            del part[place[-1]]
            ignored.append(".".join(map(str, place)))
        return cls.restore(kept), tuple(ignored)

    @classmethod
    def salvage(cls, given: Mapping[str, Any]) -> "Spec":
        """What can be read of a specification, with defaults for the rest: enough to take a candidate back.

        Raises SpecError where not even the service can be read.
        """
        names = {field.alias or name for name, field in cls.model_fields.items()}
        service = {"inferenceService": given.get("inferenceService", "")}
        kept = service | {
            name: value for name, value in given.items() if name in names and _parses({**service, name: value})
        }
        return cls.restore(kept)

    @property
    def has_full_step(self) -> bool:
        """Whether a step has every request."""
        return any(step.weight == FULL_WEIGHT for step in self.steps)

    def to_dict(self) -> dict[str, Any]:
        """As written in YAML."""
        return self.model_dump(mode="json", by_alias=True)


def _unknown_keys(spec: type[Spec], given: Mapping[str, Any]) -> list[tuple[str | int, ...]]:
    """Places of the keys in a specification that are not known."""
    limits = given.get("limits")
    known = JudgeLimits().to_dict()
    unknown = [name for name in limits if name not in known] if isinstance(limits, dict) else []
    places: list[tuple[str | int, ...]] = [("limits", name) for name in unknown]
    try:
        spec.model_validate({name: value for name, value in given.items() if name != "limits"})
    except ValidationError as error:
        places += [each["loc"] for each in error.errors() if each["type"] == "extra_forbidden"]
    return places


def _parses(given: Mapping[str, Any]) -> bool:
    try:
        Spec.restore(given)
    except SpecError:
        return False
    return True
