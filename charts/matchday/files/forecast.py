"""`helm test`: a forecast through the InferenceService, by the names of two teams."""

import http.client
import json
import math
import os
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


def team(role: str, name: str) -> dict[str, Any]:
    """One input of a request by names."""
    return {"name": role, "datatype": "BYTES", "shape": [1], "data": [name]}


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
    status, answer = ask("/infer", {"inputs": [team("home", "ARS"), team("away", "LIV")]})
    if status != 200:
        return f"{HOST} gives no forecast, but {status}: {answer}"
    for output in answer["outputs"]:
        print(f"ARS - LIV, {output['name']} by {MODEL} version {answer['model_version']}: {output['data']}")
    return next(filter(None, map(fault, answer["outputs"])), "")


if __name__ == "__main__":
    sys.exit(main() or 0)
