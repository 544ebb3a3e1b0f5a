"""`helm test`: a forecast through the InferenceService, by the names of two teams, or of a player and two teams."""

import http.client
import json
import math
import os
import re
import sys
import time
from typing import Any

HOST = os.environ["MATCHDAY_HOST"]
MODEL = os.environ["MATCHDAY_MODEL"]
WAIT_SECONDS = 240
TOLERANCE = 1e-6


def ask(path: str, document: Any = None) -> tuple[int, Any]:
    """Status and answer of the server; 0 where it is silent."""
    token = os.environ.get("MATCHDAY_TOKEN")
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    connection = http.client.HTTPConnection(HOST, timeout=10)
    try:
        connection.request("POST" if document else "GET", f"/v2/models/{MODEL}{path}", json.dumps(document), headers)
        answer = connection.getresponse()
        return answer.status, json.load(answer)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()


def inputs(metadata: dict[str, Any], player: int = 1) -> list[dict[str, Any]]:
    """Inputs of a request, as the model describes them: two teams, a player where one is asked for, least numbers."""
    teams, found = iter(("ARS", "LIV")), []
    for each in metadata["inputs"]:
        about = each["parameters"]
        if about["mode"] != "entity" or about.get("optional"):
            continue
        value = about["least"] if "least" in about else next(teams) if each["datatype"] == "BYTES" else player
        found.append({"name": each["name"], "datatype": each["datatype"], "shape": [1], "data": [value]})
    return found


def forecast(metadata: dict[str, Any]) -> tuple[int, Any, list[dict[str, Any]]]:
    """Status, answer and inputs of a request; a server that does not know the player names some that it knows."""
    given = inputs(metadata)
    status, answer = ask("/infer", {"inputs": given})
    known = re.search(r"unknown player .*(?:such as|known are) (\d+)", str(answer))
    if known:
        given = inputs(metadata, int(known[1]))
        status, answer = ask("/infer", {"inputs": given})
    return status, answer, given


def fault(output: dict[str, Any]) -> str:
    """What is wrong with an output, or nothing: its values are finite, and probabilities sum to 1."""
    values = output["data"]
    if not values or not all(math.isfinite(value) for value in values):
        return f"{output['name']} holds what is no forecast: {values}"
    if output["name"] == "probabilities" and abs(sum(values) - 1) > TOLERANCE:
        return f"the probabilities {values} do not sum to 1"
    return ""


def main() -> str:
    """Wait for the model and ask it. Returns what is wrong, or nothing."""
    deadline = time.monotonic() + WAIT_SECONDS
    while (ready := ask("/ready"))[0] != 200:
        if time.monotonic() > deadline:
            return f"{HOST} is not ready: {ready[1]}. Look at: kubectl describe inferenceservice {MODEL}"
        time.sleep(2)
    status, metadata = ask("")
    if status != 200:
        return f"{HOST} does not describe {MODEL}, but {status}: {metadata}"
    status, answer, given = forecast(metadata)
    if status != 200:
        return f"{HOST} gives no forecast, but {status}: {answer}"
    asked = " - ".join(str(each["data"][0]) for each in given)
    for output in answer["outputs"]:
        print(f"{asked}, {output['name']} by {MODEL} version {answer['model_version']}: {output['data']}")
    return next(filter(None, map(fault, answer["outputs"])), "")


if __name__ == "__main__":
    sys.exit(main() or 0)
