"""Forecasts from a running server, over HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from matchday import telemetry
from matchday.errors import MatchdayError

MODEL = "match-outcome"
TIMEOUT_SECONDS = 10.0


class ForecastError(MatchdayError):
    """A server that does not answer, or refuses the request."""


@dataclass(frozen=True)
class MatchQuestion:
    """A match to forecast: teams, and the kick-off in ISO 8601."""

    home: str
    away: str
    kickoff: str


@dataclass(frozen=True)
class MatchForecasts:
    """Probabilities of home, draw and away for each match. parameters: of the response, `model_version` among them."""

    probabilities: list[tuple[float, float, float]]
    parameters: dict[str, object]


def ask(url: str, questions: Sequence[MatchQuestion]) -> MatchForecasts:
    """Ask for forecasts of some matches in one request (Open Inference Protocol V2). Raises ForecastError."""
    with telemetry.span("ask", kind="client", matches=len(questions)):
        answer = _post(f"{url}/v2/models/{MODEL}/infer", request_body(questions))
    flat = answer["outputs"][0]["data"]
    rows = [(flat[i], flat[i + 1], flat[i + 2]) for i in range(0, len(flat), 3)]
    return MatchForecasts(rows, answer.get("parameters", {}))


def request_body(questions: Sequence[MatchQuestion]) -> dict[str, Any]:
    """The V2 request for some matches: one BYTES tensor of shape [n] for each input."""
    return {
        "inputs": [
            {
                "name": name,
                "datatype": "BYTES",
                "shape": [len(questions)],
                "data": [getattr(question, name) for question in questions],
            }
            for name in ("home", "away", "kickoff")
        ]
    }


def _post(address: str, body: Mapping[str, object]) -> dict[str, Any]:
    try:
        answer = httpx.post(address, json=body, headers=telemetry.inject({}), timeout=TIMEOUT_SECONDS)
    except httpx.HTTPError as error:
        raise ForecastError(f"no answer from {address} ({error}); start a server with 'matchday serve'") from error
    if answer.status_code != httpx.codes.OK:
        raise ForecastError(f"the server refused: {_reason(answer)}")
    return dict(answer.json())


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
