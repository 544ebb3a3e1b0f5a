"""Forecasts asked of a server over HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from console.screen import console, table
from matchday import telemetry
from matchday.errors import MatchdayError

MODEL = "match-outcome"
OUTCOMES = ("home", "draw", "away")


class AskError(MatchdayError):
    """A server that does not answer, or refuses what it was asked."""


@dataclass(frozen=True)
class Question:
    """A match to forecast: teams, and the kick-off in ISO 8601."""

    home: str
    away: str
    kickoff: str


@dataclass(frozen=True)
class Answer:
    """Probabilities of home, draw and away for each question, and what the server said about them."""

    probabilities: list[tuple[float, float, float]]
    parameters: dict[str, object]


def ask(url: str, questions: Sequence[Question]) -> Answer:
    """Ask `match-outcome` for some matches in one request (Open Inference Protocol V2). Raises AskError."""
    body = {
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
    with telemetry.span("ask", kind="client", matches=len(questions)):
        answer = _post(f"{url}/v2/models/{MODEL}/infer", body)
    flat = answer["outputs"][0]["data"]
    rows = [(flat[i], flat[i + 1], flat[i + 2]) for i in range(0, len(flat), 3)]
    return Answer(rows, answer.get("parameters", {}))


def show_one(url: str, home: str, away: str, kickoff: str | None) -> None:
    """Print the forecast of one match."""
    question = Question(home, away, kickoff or datetime.now(UTC).isoformat())
    answer = ask(url, [question])
    table(("match", *OUTCOMES), [(f"{home} - {away}", *(f"{p:.1%}" for p in answer.probabilities[0]))])
    version, known = answer.parameters.get("model_version"), answer.parameters.get("features_event_time")
    console.print(f"[dim]model version {version}, features as of {known}[/dim]")


def _post(address: str, body: Mapping[str, object]) -> dict[str, Any]:
    try:
        answer = httpx.post(address, json=body, headers=telemetry.inject({}), timeout=10)
    except httpx.HTTPError as error:
        raise AskError(f"no answer from {address} ({error}); start a server with 'matchday serve'") from error
    if answer.status_code != httpx.codes.OK:
        raise AskError(f"the server refused: {_reason(answer)}")
    return dict(answer.json())


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
