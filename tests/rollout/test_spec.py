"""Specs: what is refused and with which words, and that YAML and back changes nothing."""

from typing import Any

import pytest

from rollout.judge import JudgeLimits
from rollout.spec import PromotionPolicy, Spec, SpecError, UndecidedPolicy

PANEL = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [2, 1], "data": [1.0, 2.0]}]}


def parse(**given: Any) -> Spec:
    return Spec.parse({"inferenceService": "match-outcome", **given})


def test_the_default_is_a_cautious_rollout_of_the_challenger() -> None:
    spec = parse()
    assert spec.candidate == "challenger"
    assert [step.weight for step in spec.steps] == [5, 25, 50]
    assert spec.shadow is not None and not spec.shadow.approval
    assert spec.promotion is PromotionPolicy.MANUAL and spec.undecided is UndecidedPolicy.WAIT
    assert spec.limits == JudgeLimits()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"steps": [{"weight": 25}, {"weight": 5}]}, r"weights must increase, and \[25, 5\] do not"),
        ({"steps": [{"weight": 5}, {"weight": 5}]}, "weights must increase"),
        ({"storageUri": "s3://b/8", "shadow": {"mirror": 5}}, "storageUri is without one"),
        ({"storageUri": "s3://b/8", "shadow": {"requests": 100}}, "storageUri is without one"),
        ({"storageUri": "s3://b/8", "shadow": {"approval": True}}, "shadow.approval needs the shadow step"),
        ({"storageUri": "s3://b/8", "shadow": {"holdSeconds": 60}}, "shadow.holdSeconds needs the shadow step"),
        ({"panel": [PANEL]}, "panel is for a storageUri"),
        ({"storageUri": "s3://b/8", "panel": [PANEL], "shadow": {"rows": 0}}, "panel needs the shadow step"),
        ({"storageUri": "s3://b/8", "panel": [PANEL, {"inputs": []}]}, "request 1 has no inputs"),
        ({"storageUri": "s3://b/8", "panel": [{"inputs": [{"name": "x"}]}]}, "request 0 has no inputs"),
        ({"steps": []}, "steps"),
        ({"steps": [{"weight": 0}]}, r"steps\.0\.weight"),
        ({"steps": [{"weight": 101}]}, r"steps\.0\.weight"),
        ({"steps": [{"weight": 100}]}, "end with a smaller weight, such as 50: the promotion then gives"),
        ({"steps": [{"weight": 50}, {"weight": 100}]}, "at 100 percent the champion gets no request to compare with"),
        ({"steps": [{"weight": 5, "holdSeconds": 60, "deadlineSeconds": 60}]}, "must be more than holdSeconds"),
        ({"steps": [{"weight": 5, "holdSeconds": -1}]}, "holdSeconds"),
        ({"inferenceService": ""}, "inferenceService"),
        ({"candidate": ""}, "candidate"),
        ({"promotion": "Sometimes"}, "promotion"),
        ({"undecided": "Promote"}, "undecided"),
        ({"weights": [5]}, "weights"),
        ({"shadow": {"rows": -1}}, r"shadow\.rows"),
        ({"shadow": {"mirror": 101}}, r"shadow\.mirror"),
        ({"shadow": {"mirror": -1}}, r"shadow\.mirror"),
        ({"shadow": {"rows": 0, "mirror": 50}}, "mirror needs the shadow step, and rows: 0 leaves that out"),
        ({"shadow": {"rows": 0, "requests": 500}}, "requests needs the shadow step, and rows: 0 leaves that out"),
        ({"limits": {"errors": 2}}, "limits: errors is 2"),
        ({"limits": {"nonsense": 1}}, "'nonsense' is no limit"),
        ({"limits": {"required": ["nonsense"]}}, "'nonsense', which is no check"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_by_name(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said) as refused:
        parse(**given)
    assert "\n" not in str(refused.value)


def test_a_spec_without_a_service_says_so() -> None:
    with pytest.raises(SpecError, match="inferenceService"):
        Spec.parse({})


def test_what_is_written_is_read_again() -> None:
    spec = parse(
        candidate="7", shadow=None, steps=[{"weight": 10, "approval": True}, {"weight": 90}], limits={"errors": 0.01}
    )
    assert Spec.parse(spec.to_dict()) == spec
    assert spec.shadow is None
    assert spec.to_dict()["inferenceService"] == "match-outcome"
    assert spec.to_dict()["limits"]["errors"] == 0.01


def test_no_rows_are_no_shadow() -> None:
    assert Spec.parse({"inferenceService": "x", "shadow": {"rows": 0}}).shadow is None


def test_no_rows_is_no_shadow() -> None:
    assert parse(shadow={"rows": 0}).shadow is None


NEWER = {
    "inferenceService": "match-outcome",
    "mood": "good",
    "shadow": {"rows": 7, "colour": "red"},
    "steps": [{"weight": 5}, {"weight": 50, "window": {"size": 1}}],
    "limits": {"errors": 0.01, "jitter": 0.1},
}


def test_keys_of_a_newer_definition_are_left_out_by_name_where_a_saved_spec_is_read() -> None:
    spec, ignored = Spec.read(NEWER)
    assert set(ignored) == {"mood", "shadow.colour", "steps.1.window", "limits.jitter"}
    assert spec == parse(shadow={"rows": 7}, steps=[{"weight": 5}, {"weight": 50}], limits={"errors": 0.01})
    assert NEWER["limits"] == {"errors": 0.01, "jitter": 0.1}
    assert Spec.read(spec.to_dict()) == (spec, ())


@pytest.mark.parametrize("key", ["mood", r"shadow\.colour", r"steps\.1\.window", "'jitter' is no limit"])
def test_what_a_person_writes_has_no_unknown_key(key: str) -> None:
    wrong = {key.replace("\\", ""), key.split("'")[1]} if "'" in key else {key.replace("\\", "")}
    alone = {name: value for name, value in NEWER.items() if name == "inferenceService" or any(
        each.split(".")[0] == name for each in wrong) or (name == "limits" and "jitter" in key)}  # fmt: skip
    with pytest.raises(SpecError, match=key):
        Spec.parse(alone)


@pytest.mark.parametrize(
    "wrong",
    [{"steps": [{"weight": 0}]}, {"promotion": "Perhaps"}, {"limits": {"errors": "none"}}, {"readySeconds": "soon"}],
)
def test_of_an_unreadable_spec_the_rest_is_enough_to_go_back(wrong: dict[str, Any]) -> None:
    given = {
        "inferenceService": "match-outcome",
        "model": "total-goals",
        "promotionSeconds": 7,
        "mood": "good",
        **wrong,
    }
    with pytest.raises(SpecError):
        Spec.read(given)
    spec = Spec.salvage(given)
    assert (spec.inference_service, spec.model, spec.promotion_seconds) == ("match-outcome", "total-goals", 7)


def test_a_saved_step_of_100_percent_is_read_and_none_is_written() -> None:
    saved = {"inferenceService": "match-outcome", "steps": [{"weight": 50}, {"weight": 100}]}
    assert Spec.restore(saved).has_full_step and not parse().has_full_step
    assert Spec.read(saved) == (Spec.restore(saved), ())
    with pytest.raises(SpecError, match="at 100 percent the champion gets no request"):
        Spec.parse(saved)
