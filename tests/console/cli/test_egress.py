"""The hint of a Job at the ports that its NetworkPolicies open."""

import json

import pytest

from console.cli import egress
from matchday.errors import MatchdayError
from matchday.patience import NotYet, wait_for
from tests.console.conftest import RunCommand

OPENED = json.dumps(
    {
        "redis": {"address": "redis://127.0.0.1", "ports": [6379]},
        "bucket": {"address": "http://127.0.0.1", "ports": [80]},
        "kfp": {"address": "http://kfp", "ports": [80, 81]},
    }
)


def waited(reason: str) -> MatchdayError:
    """The error after waiting in vain."""

    def ask() -> None:
        raise NotYet(reason)

    with pytest.raises(MatchdayError) as late:
        wait_for(ask, 0)
    return late.value


def test_a_store_that_does_not_answer_is_named_with_what_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(egress.VARIABLE, OPENED)
    said = egress.hint(waited("http://kfp does not answer"))
    assert "open port 80, 81 to Jobs" in said
    assert said.endswith("set networkPolicy.podPorts.kfp")
    assert egress.hint(waited("http://other does not answer")) == ""


def test_other_errors_and_other_processes_have_no_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    assert egress.hint(waited("http://kfp does not answer")) == ""
    monkeypatch.setenv(egress.VARIABLE, OPENED)
    assert egress.hint(MatchdayError("http://kfp refuses")) == ""


def test_a_job_s_last_line_has_the_hint(matchday: RunCommand) -> None:
    nowhere = {
        egress.VARIABLE: OPENED,
        "MATCHDAY_LAKE": "s3://matchday/lake",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }
    refusal = matchday("cluster", "bucket", "--wait-seconds", "0", **nowhere).refusal
    assert "does not answer" in refusal
    assert refusal.endswith("behind a Service, set networkPolicy.podPorts.bucket\n")
