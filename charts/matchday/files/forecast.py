"""A forecast through the InferenceService, by the names of two teams."""

import json
import os
import sys
import time
import urllib.error
import urllib.request

MODEL = os.environ["MATCHDAY_MODEL"]
WAIT_SECONDS = 240


def ask(path, document=None):
    headers = {"Content-Type": "application/json"}
    if token := os.environ.get("MATCHDAY_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    body = json.dumps(document).encode() if document else None
    with urllib.request.urlopen(urllib.request.Request(MODEL + path, body, headers), timeout=10) as answer:
        return json.load(answer)


def named(team, name):
    return {"name": name, "datatype": "BYTES", "shape": [1], "data": [team]}


def wait():
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return ask("/ready")
        except (OSError, ValueError) as error:
            if time.monotonic() > deadline:
                sys.exit(f"{MODEL} is not ready: {error}. Look at: kubectl describe inferenceservice match-outcome")
        time.sleep(2)


wait()
try:
    answer = ask("/infer", {"inputs": [named("ARS", "home"), named("LIV", "away")]})
except urllib.error.HTTPError as error:
    sys.exit(f"no forecast, {error.code}: {error.read().decode()}")
outputs = {output["name"]: output["data"] for output in answer["outputs"]}
print(f"ARS - LIV by version {answer['model_version']}: {json.dumps(outputs)}")
chances = [float(chance) for data in outputs.values() for chance in data]
if len(chances) != 3 or abs(sum(chances) - 1) > 1e-6:
    sys.exit("these are not the three chances of a match")
