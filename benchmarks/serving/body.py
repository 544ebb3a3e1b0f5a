"""The bodies of requests, each on one line, and the probabilities in the answers to them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Asked(Protocol):
    """A match to ask for: teams, kick-off in ISO 8601, feature vector."""

    @property
    def home(self) -> str: ...  # noqa: D102
    @property
    def away(self) -> str: ...  # noqa: D102
    @property
    def kickoff(self) -> str: ...  # noqa: D102
    @property
    def vector(self) -> Sequence[float]: ...  # noqa: D102


def v2_entity(match: Asked) -> str:
    """Open Inference Protocol: the teams by name."""
    given = {"home": match.home, "away": match.away, "kickoff": match.kickoff}
    inputs = [{"name": name, "shape": [1], "datatype": "BYTES", "data": [text]} for name, text in given.items()]
    return json.dumps({"inputs": inputs})


def v2_raw(match: Asked) -> str:
    """Open Inference Protocol: the features given."""
    shape = [1, len(match.vector)]
    return json.dumps(
        {"inputs": [{"name": "features", "shape": shape, "datatype": "FP32", "data": list(match.vector)}]}
    )


def columns(match: Asked) -> str:
    """A list for each field, as BentoML's service takes it."""
    return json.dumps({"home": [match.home], "away": [match.away], "kickoff": [match.kickoff]})


def record(match: Asked) -> str:
    """One object, as the hand-written service takes it."""
    return json.dumps({"home": match.home, "away": match.away, "kickoff": match.kickoff})


def v2_answer(answer: Mapping[str, Any]) -> list[float]:
    """Probabilities of home, draw, away in a V2 answer."""
    (output,) = answer["outputs"]
    return [float(value) for value in output["data"]]


def rows_answer(answer: Sequence[Sequence[float]]) -> list[float]:
    """The same in a list of rows."""
    (row,) = answer
    return list(row)


def record_answer(answer: Mapping[str, float]) -> list[float]:
    """The same in an object."""
    return [answer["home"], answer["draw"], answer["away"]]
