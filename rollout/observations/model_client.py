"""The servers of one version, asked the same rows as others are, over the Open Inference Protocol V2."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import httpx
import numpy as np

from rollout.judge import FloatArray
from rollout.observations.log import OWN_ID
from rollout.observations.row import ReplayRow
from rollout.sources import SourceError

AT_ONCE = 64
"""Rows of a request: a sixteenth of what a server takes, so that people's requests find room between."""
DAY = 86_400.0
SECOND_LOOKS = 64
"""Requests that find out which rows of a refused request were to blame, at most."""

NOT_OF_THE_VERSION: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "wants another token",
    HTTPStatus.FORBIDDEN: "wants another token",
    HTTPStatus.TOO_MANY_REQUESTS: "has too much to do",
}
"""Refusals that say nothing about a version."""


class NoAnswer(Exception):
    """The server gives no answer to these rows. hangs: it gives none in time."""

    def __init__(self, reason: str, hangs: bool = False) -> None:
        super().__init__(reason)
        self.hangs = hangs


@dataclass(frozen=True)
class ModelMetadata:
    """What servers of a version take and give, from their metadata.

    raw: input of features, and columns what they are, in order. inputs: name -> datatype of the entities. kickoff:
    input of the moment of a match. classes: of the output, or its name alone where it is one number.
    """

    version: str
    raw: str
    columns: tuple[str, ...]
    inputs: Mapping[str, str]
    kickoff: str
    classes: tuple[str, ...]


class ModelClient:
    """The servers of one version at these base URLs, each as good as the other."""

    def __init__(self, client: httpx.Client, model: str, urls: Sequence[str]) -> None:
        self._client = client
        self._model = model
        self._urls = tuple(urls)
        self._turn = 0
        self._second_looks = 0

    def signature(self) -> ModelMetadata:
        """What they take and give. Raises Refused, or SourceError when none can be reached."""
        found = self._answer("GET", f"/v2/models/{self._model}", None)
        try:
            return _signature(found)
        except (KeyError, TypeError, IndexError, AttributeError):
            raise NoAnswer(f"{self._urls[0]} does not describe {self._model} as the protocol has it") from None

    def raw(self, rows: Sequence[ReplayRow], signature: ModelMetadata, width: int) -> FloatArray:
        """Answers (n, width) to the rows' features, NaN where there is none. Raises SourceError."""

        def inputs(some: Sequence[ReplayRow]) -> list[dict[str, Any]]:
            data = [row.features[name] for row in some for name in signature.columns]
            return [
                {"name": signature.raw, "datatype": "FP32", "shape": [len(some), len(signature.columns)], "data": data}
            ]

        return self._answers(rows, inputs, width)

    def named(self, rows: Sequence[ReplayRow], signature: ModelMetadata, width: int, now: float) -> FloatArray:
        """Answers (n, width) to the rows' entities, NaN where there is none. Raises SourceError.

        now: Unix seconds; a match whose kick-off is not said or past is asked for as if it began a day later.
        """

        def inputs(some: Sequence[ReplayRow]) -> list[dict[str, Any]]:
            columns = {name: (kind, [row.entities[name] for row in some]) for name, kind in signature.inputs.items()}
            if signature.kickoff:
                columns[signature.kickoff] = ("BYTES", [_coming(row.kickoff, now) for row in some])
            return [
                {"name": name, "datatype": kind, "shape": [len(some)], "data": data}
                for name, (kind, data) in columns.items()
            ]

        return self._answers(rows, inputs, width)

    def _answers(
        self, rows: Sequence[ReplayRow], inputs: Callable[[Sequence[ReplayRow]], Any], width: int
    ) -> FloatArray:
        """Answers to all rows, a part at a time; none any more once the servers hang."""
        found = np.full((len(rows), width), np.nan)
        todo = [(at, min(at + AT_ONCE, len(rows))) for at in range(0, len(rows), AT_ONCE)][::-1]
        while todo:
            begin, end = todo.pop()
            try:
                body = {"id": f"{OWN_ID}{begin}-{end}", "inputs": inputs(rows[begin:end])}
                answer = self._answer("POST", f"/v2/models/{self._model}/infer", body)
                found[begin:end] = _numbers(answer, end - begin, width)
            except NoAnswer as refusal:
                if refusal.hangs:
                    break
                if end - begin > 1 and self._second_looks < SECOND_LOOKS:
                    self._second_looks += 2
                    middle = (begin + end) // 2
                    todo += [(middle, end), (begin, middle)]
        return found

    def _answer(self, method: str, path: str, body: Any) -> Any:
        """The JSON of the first server that can be reached, another first each time.

        Raises Refused for what it answers otherwise, SourceError when none can be reached or none may be asked.
        """
        first, self._turn = self._turn, (self._turn + 1) % len(self._urls)
        turns = (*self._urls[first:], *self._urls[:first])
        silent, broken = "", ""
        for url in (*turns, turns[0]):
            try:
                response = self._client.request(method, url.rstrip("/") + path, json=body)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                silent = f"{url} cannot be reached: {str(error) or type(error).__name__}"
            except httpx.TimeoutException:
                raise NoAnswer(f"{url} does not answer in time", hangs=True) from None
            except httpx.HTTPError as error:
                broken = f"{url} breaks off: {error}"
            else:
                return _checked(response, url)
        raise NoAnswer(broken) if broken else SourceError(silent)


def _checked(response: httpx.Response, url: str) -> Any:
    if reason := NOT_OF_THE_VERSION.get(response.status_code):
        raise SourceError(f"{url} {reason} ({response.status_code})")
    if response.status_code != HTTPStatus.OK:
        raise NoAnswer(f"{url} answers {response.status_code}: {response.text[:200]}")
    try:
        return response.json()
    except ValueError:
        raise NoAnswer(f"{url} does not answer in JSON") from None


def _signature(found: Any) -> ModelMetadata:
    modes: dict[str, dict[str, Any]] = {each["name"]: each.get("parameters", {}) for each in found["inputs"]}
    datatypes = {each["name"]: str(each["datatype"]) for each in found["inputs"]}
    raw = next((name for name, about in modes.items() if about.get("mode") == "raw"), "")
    entities = [name for name, about in modes.items() if about.get("mode") == "entity"]
    output = found["outputs"][0]
    return ModelMetadata(
        version=str((found.get("versions") or [""])[0]),
        raw=raw,
        columns=tuple(modes[raw].get("columns", ())) if raw else (),
        inputs={name: datatypes[name] for name in entities if not modes[name].get("optional")},
        kickoff=next((name for name in entities if modes[name].get("optional")), ""),
        classes=tuple(output.get("parameters", {}).get("columns") or [output["name"]]),
    )


def _numbers(answer: Any, rows: int, width: int) -> FloatArray:
    """The first output as (rows, width), NaN for what is no number. Raises Refused for another shape."""
    try:
        data = answer["outputs"][0]["data"]
        flat = [item for row in data for item in (row if isinstance(row, list) else [row])]
        return np.array([_number(item) for item in flat]).reshape(rows, width)
    except (KeyError, TypeError, IndexError, ValueError):
        raise NoAnswer("it does not answer each row") from None


def _number(item: Any) -> float:
    number = item if isinstance(item, (int, float)) and not isinstance(item, bool) else math.nan
    return float(number) if math.isfinite(number) else math.nan


def _coming(kickoff: float | None, now: float) -> str:
    moment = kickoff if kickoff is not None and kickoff > now else now + DAY
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
