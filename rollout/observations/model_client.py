"""Client of the model servers of one version, over the Open Inference Protocol V2."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

import httpx
import numpy as np

from matchday.durations import DAY
from rollout.judge import FloatArray
from rollout.observations.log import OWN_ID
from rollout.observations.row import ReplayRow
from rollout.sources import SourceError

BATCH_ROWS = 64
"""Rows of a request: a sixteenth of what a server accepts, which leaves room between for users' requests."""
MOST_RETRIES = 64
"""Most requests that search the rows to blame in a refused batch."""

NOT_THE_VERSIONS_FAULT: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "wants another token",
    HTTPStatus.FORBIDDEN: "wants another token",
    HTTPStatus.TOO_MANY_REQUESTS: "has too much to do",
}
"""Refusals that say nothing about a version."""


class NoForecast(Exception):
    """The server gives no valid answer to these rows. timed_out: it gives none in time."""

    def __init__(self, reason: str, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.timed_out = timed_out


@dataclass(frozen=True)
class ModelMetadata:
    """Inputs and output of a version, from its servers' metadata.

    raw: name of the feature tensor, and columns its columns, in order. inputs: name -> datatype of the entities.
    kickoff: name of the optional input for the moment of a match. classes: columns of the output, or its name alone
    where it is one number. feature_service: what the columns mean, empty where its servers do not say. numbers: names
    of the numbers that are given beside the entities.
    """

    version: str
    raw: str
    columns: tuple[str, ...]
    inputs: Mapping[str, str]
    kickoff: str
    classes: tuple[str, ...]
    feature_service: str = ""
    numbers: tuple[str, ...] = ()


class ModelClient:
    """Asks the servers of one version at these base URLs, in turn."""

    def __init__(self, client: httpx.Client, model: str, urls: Sequence[str]) -> None:
        self._client = client
        self._model = model
        self._urls = tuple(urls)
        self._turn = 0
        self._retries = 0

    def metadata(self) -> ModelMetadata:
        """Inputs and output. Raises NoForecast; SourceError when no server can be reached."""
        found = self._ask("GET", f"/v2/models/{self._model}", None)
        try:
            return _metadata(found)
        except (KeyError, TypeError, IndexError, AttributeError):
            raise NoForecast(f"{self._urls[0]} does not describe {self._model} as the protocol has it") from None

    def forecast_features(self, rows: Sequence[ReplayRow], metadata: ModelMetadata, width: int) -> FloatArray:
        """Forecasts (n, width) from the rows' features, NaN where there is none. Raises SourceError."""
        return self._forecast(rows, partial(_feature_inputs, metadata=metadata), width)

    def forecast_entities(
        self, rows: Sequence[ReplayRow], metadata: ModelMetadata, width: int, now: float
    ) -> FloatArray:
        """Forecasts (n, width) from the rows' entities, NaN where there is none. Raises SourceError.

        now: Unix seconds; a match without a kick-off, or with a past one, is asked for as if it began a day later.
        """
        return self._forecast(rows, partial(_entity_inputs, metadata=metadata, now=now), width)

    def answer(self, request: Mapping[str, Any]) -> FloatArray:
        """The first output (n, width) of a request as it is, NaN for what is no number.

        Raises NoForecast; SourceError when no server can be reached.
        """
        found = self._ask("POST", f"/v2/models/{self._model}/infer", {"id": f"{OWN_ID}panel", **request})
        try:
            shape = [int(size) for size in found["outputs"][0]["shape"]]
        except (KeyError, TypeError, IndexError, ValueError):
            raise NoForecast("its answer has no output with a shape") from None
        if not shape or min(shape) < 1:
            raise NoForecast(f"its first output has the shape {shape}")
        return _first_output(found, shape[0], math.prod(shape[1:]))

    def time_request(
        self, row: ReplayRow, metadata: ModelMetadata, by_features: bool, now: float
    ) -> tuple[str, float, str]:
        """Kind of error, empty for an answer, seconds, and server of one request for one row: the next one in turn.

        now: Unix seconds, as in `forecast_entities`. Raises SourceError for a refusal that is not the version's fault.
        """
        inputs = _feature_inputs([row], metadata) if by_features else _entity_inputs([row], metadata, now)
        url, self._turn = self._urls[self._turn], (self._turn + 1) % len(self._urls)
        begun = time.perf_counter()
        try:
            response = self._client.post(
                f"{url.rstrip('/')}/v2/models/{self._model}/infer", json={"id": f"{OWN_ID}load", "inputs": inputs}
            )
        except httpx.HTTPError as error:
            return type(error).__name__, time.perf_counter() - begun, url
        seconds = time.perf_counter() - begun
        if reason := NOT_THE_VERSIONS_FAULT.get(response.status_code):
            raise SourceError(f"{url} {reason} ({response.status_code})")
        return "" if response.status_code == HTTPStatus.OK else _kind(response.status_code), seconds, url

    def _forecast(
        self, rows: Sequence[ReplayRow], inputs: Callable[[Sequence[ReplayRow]], Any], width: int
    ) -> FloatArray:
        """Forecasts of all rows in batches. A refused batch is halved; after a timeout nothing more is asked."""
        found = np.full((len(rows), width), np.nan)
        batches = [(begin, min(begin + BATCH_ROWS, len(rows))) for begin in range(0, len(rows), BATCH_ROWS)][::-1]
        while batches:
            begin, end = batches.pop()
            try:
                body = {"id": f"{OWN_ID}{begin}-{end}", "inputs": inputs(rows[begin:end])}
                answer = self._ask("POST", f"/v2/models/{self._model}/infer", body)
                found[begin:end] = _first_output(answer, end - begin, width)
            except NoForecast as error:
                if error.timed_out:
                    break
                if end - begin > 1 and self._retries < MOST_RETRIES:
                    self._retries += 2
                    middle = (begin + end) // 2
                    batches += [(middle, end), (begin, middle)]
        return found

    def _ask(self, method: str, path: str, body: Any) -> Any:
        """JSON of the first server that can be reached, starting at another one each time.

        Raises NoForecast for an invalid answer; SourceError when no server can be reached or may be asked.
        """
        first, self._turn = self._turn, (self._turn + 1) % len(self._urls)
        turns = (*self._urls[first:], *self._urls[:first])
        unreachable, broken = "", ""
        for url in (*turns, turns[0]):
            try:
                response = self._client.request(method, url.rstrip("/") + path, json=body)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                unreachable = f"{url} cannot be reached: {str(error) or type(error).__name__}"
            except httpx.TimeoutException:
                raise NoForecast(f"{url} does not answer in time", timed_out=True) from None
            except httpx.HTTPError as error:
                broken = f"{url} breaks off: {error}"
            else:
                return _json_of(response, url)
        raise NoForecast(broken) if broken else SourceError(unreachable)


def _kind(status: int) -> str:
    """Name of an error as the servers' metrics have it."""
    try:
        return HTTPStatus(status).name.lower()
    except ValueError:
        return "other"


def _feature_inputs(batch: Sequence[ReplayRow], metadata: ModelMetadata) -> list[dict[str, Any]]:
    """Inputs of a request for rows by their features."""
    data = [row.features[name] for row in batch for name in metadata.columns]
    shape = [len(batch), len(metadata.columns)]
    return [{"name": metadata.raw, "datatype": "FP32", "shape": shape, "data": data}]


def _entity_inputs(batch: Sequence[ReplayRow], metadata: ModelMetadata, now: float) -> list[dict[str, Any]]:
    """Inputs of a request for rows by their entities. now: Unix seconds."""
    columns: dict[str, tuple[str, list[Any]]] = {
        name: (kind, [row.entities[name] for row in batch]) for name, kind in metadata.inputs.items()
    }
    columns |= {name: ("FP32", [row.number(name) for row in batch]) for name in metadata.numbers}
    if metadata.kickoff:
        columns[metadata.kickoff] = ("BYTES", [_future_kickoff(row.kickoff, now) for row in batch])
    return [
        {"name": name, "datatype": kind, "shape": [len(batch)], "data": data} for name, (kind, data) in columns.items()
    ]


def _json_of(response: httpx.Response, url: str) -> Any:
    if reason := NOT_THE_VERSIONS_FAULT.get(response.status_code):
        raise SourceError(f"{url} {reason} ({response.status_code})")
    if response.status_code != HTTPStatus.OK:
        raise NoForecast(f"{url} answers {response.status_code}: {response.text[:200]}")
    try:
        return response.json()
    except ValueError:
        raise NoForecast(f"{url} does not answer in JSON") from None


def _metadata(found: Any) -> ModelMetadata:
    parameters: dict[str, dict[str, Any]] = {each["name"]: each.get("parameters", {}) for each in found["inputs"]}
    datatypes = {each["name"]: str(each["datatype"]) for each in found["inputs"]}
    raw = next((name for name, about in parameters.items() if about.get("mode") == "raw"), "")
    given = [name for name, about in parameters.items() if about.get("mode") == "entity"]
    numbers = tuple(name for name in given if "least" in parameters[name])
    entities = [name for name in given if name not in numbers]
    output = found["outputs"][0]
    return ModelMetadata(
        version=str((found.get("versions") or [""])[0]),
        raw=raw,
        columns=tuple(parameters[raw].get("columns", ())) if raw else (),
        inputs={name: datatypes[name] for name in entities if not parameters[name].get("optional")},
        kickoff=next((name for name in entities if parameters[name].get("optional")), ""),
        classes=tuple(output.get("parameters", {}).get("columns") or [output["name"]]),
        feature_service=str(parameters[raw].get("feature_service", "")) if raw else "",
        numbers=numbers,
    )


def _first_output(answer: Any, rows: int, width: int) -> FloatArray:
    """The first output as (rows, width), NaN for what is no number. Raises NoForecast for another shape."""
    try:
        data = answer["outputs"][0]["data"]
        flat = [item for row in data for item in (row if isinstance(row, list) else [row])]
        return np.array([_to_float(item) for item in flat]).reshape(rows, width)
    except (KeyError, TypeError, IndexError, ValueError):
        raise NoForecast("it does not answer each row") from None


def _to_float(item: Any) -> float:
    number = item if isinstance(item, (int, float)) and not isinstance(item, bool) else math.nan
    return float(number) if math.isfinite(number) else math.nan


def _future_kickoff(kickoff: float | None, now: float) -> str:
    moment = kickoff if kickoff is not None and kickoff > now else now + DAY
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
