"""Forecasts from a running server, over HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from matchday import telemetry
from matchday.errors import MatchdayError
from matchday.models.catalogue import model_kind
from matchday.models.kind import Subject

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
    """A model's numbers for each match, one for each of `columns`.

    probabilities: whether they are. parameters: of the response, `model_version` among them.
    """

    columns: tuple[str, ...]
    probabilities: bool
    rows: list[tuple[float, ...]]
    parameters: dict[str, object]


def ask(url: str, model: str, questions: Sequence[MatchQuestion]) -> MatchForecasts:
    """Ask for forecasts of some matches in one request (Open Inference Protocol V2).

    Raises UnknownModelError, ForecastError.
    """
    kind = model_kind(model)
    if kind.subject is not Subject.MATCH:
        raise ForecastError(f"{model} forecasts {kind.subject.plural}, not matches: {url}/docs shows how to ask it")
    output, address = kind.output, f"{url}/v2/models/{model}/infer"
    with telemetry.span("ask", kind="client", matches=len(questions)):
        answer = _post(address, request_body(questions))
    try:
        numbers = next(one["data"] for one in answer.json()["outputs"] if one["name"] == output.name)
        parameters = dict(answer.json().get("parameters", {}))
    except (ValueError, LookupError, TypeError, StopIteration):
        raise ForecastError(
            f"the answer of {address} is not a forecast of {model}: is a Matchday server there?"
        ) from None
    width = len(output.columns)
    rows = [tuple(numbers[start : start + width]) for start in range(0, len(numbers), width)]
    return MatchForecasts(output.labels or output.columns, bool(output.classes), rows, parameters)


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


def _post(address: str, body: Mapping[str, object]) -> httpx.Response:
    try:
        answer = httpx.post(address, json=body, headers=telemetry.inject({}), timeout=TIMEOUT_SECONDS)
    except httpx.HTTPError as error:
        raise ForecastError(f"no answer from {address} ({error}); start a server with 'matchday serve'") from error
    if answer.status_code != httpx.codes.OK:
        raise ForecastError(f"the server refused: {_reason(answer)}")
    return answer


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
