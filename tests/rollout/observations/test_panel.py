"""Panels: both versions answer the same requests, and a candidate that answers otherwise is not believed."""

import json

import httpx
import numpy as np
import pytest

from rollout.observations.panel import PanelReplay
from rollout.sources import SourceError
from rollout.splitter import Endpoints

ENDPOINTS = Endpoints(["http://stable"], ["http://canary"])
REQUEST = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [2, 1], "data": [1.0, 2.0]}]}
GOOD = {"outputs": [{"name": "y", "datatype": "FP32", "shape": [2], "data": [0.5, 0.25]}]}


def replay(answers: dict[str, object]) -> PanelReplay:
    def answer(request: httpx.Request) -> httpx.Response:
        assert json.loads(request.content)["inputs"] == REQUEST["inputs"]
        given = answers[request.url.host]
        if isinstance(given, Exception):
            raise given
        return given if isinstance(given, httpx.Response) else httpx.Response(200, json=given)

    made = PanelReplay()
    made._client = httpx.Client(transport=httpx.MockTransport(answer))
    return made


@pytest.mark.parametrize(
    "other",
    [
        httpx.Response(500),
        httpx.Response(200, text="<html>"),
        {"outputs": []},
        {"outputs": [{"shape": [1], "data": [0.5]}]},
        {"outputs": [{"shape": [2, 2], "data": [0.5, 0.5, 0.5, 0.5]}]},
        {"outputs": [{"shape": [2], "data": ["a", None]}]},
        {"outputs": [{"shape": [-1], "data": [0.5, 0.5]}]},
        {"outputs": [{"data": [0.5, 0.5]}]},
        httpx.ReadTimeout("slow"),
    ],
)
def test_a_candidate_without_an_answer_to_each_row_has_none(other: object) -> None:
    found = replay({"stable": GOOD, "canary": other}).pairs("m", ENDPOINTS, (REQUEST,))
    assert found.stable.tolist() == [[0.5], [0.25]] and np.isnan(found.canary).all() and found.canary.shape == (2, 1)


def test_answers_of_several_requests_are_put_together() -> None:
    found = replay({"stable": GOOD, "canary": GOOD}).pairs("m", ENDPOINTS, (REQUEST, REQUEST))
    assert found.stable.tolist() == found.canary.tolist() == [[0.5], [0.25]] * 2


@pytest.mark.parametrize("broken", [httpx.Response(500), httpx.ConnectError("gone"), httpx.Response(429)])
def test_without_the_stable_version_there_is_nothing_to_compare_with(broken: object) -> None:
    with pytest.raises(SourceError):
        replay({"stable": broken, "canary": GOOD}).pairs("m", ENDPOINTS, (REQUEST,))


def test_a_busy_candidate_is_not_blamed() -> None:
    with pytest.raises(SourceError, match="has too much to do"):
        replay({"stable": GOOD, "canary": httpx.Response(429)}).pairs("m", ENDPOINTS, (REQUEST,))
