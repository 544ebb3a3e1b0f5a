"""Who is measured: how each is started, what it is asked, and where its answer stands."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.serving import body
from benchmarks.serving.body import Asked
from benchmarks.serving.environment import HERE
from matchday.settings import REPOSITORY

HOST = "127.0.0.1"
V2 = "/v2/models/match-outcome/infer"


@dataclass(frozen=True)
class Place:
    """Where one start of a contestant finds things: its folder for whatever it writes, ports, and what all share.

    ports: three free ones; the first is asked. bin: programs of its environment.
    """

    folder: Path
    ports: tuple[int, int, int]
    bin: Path
    bundle: Path
    python: Path
    feast: Path
    redis: int


@dataclass(frozen=True)
class Contestant:
    """One server.

    environment: name of its requirements, None for this project's own. modes: what is measured -> body of a match.
    answer: probabilities in its answer. right: whether its answers are held against the model's.
    """

    name: str
    environment: str | None
    command: Callable[[Place], list[str]]
    modes: Mapping[str, Callable[[Asked], str]]
    path: str = V2
    answer: Callable[[Any], list[float]] = body.v2_answer
    right: bool = True
    variables: Callable[[Place], dict[str, str]] = field(default=lambda place: {})


def peer_variables(place: Place) -> dict[str, str]:
    """What the files in `peers/` are told. One thread for arithmetic: idle ones that spin take the worker's time."""
    return {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "BENCH_BUNDLE": str(place.bundle),
        "BENCH_FEAST": str(place.feast),
        "BENCH_PYTHON": str(place.python),
        "BENCH_PORT": str(place.ports[0]),
        "FEAST_USAGE": "False",
        "PYTHONPATH": str(HERE),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _mlserver_variables(place: Place) -> dict[str, str]:
    """One process: a second one for inference (its default) gains nothing here and is one worker more."""
    own = {
        "MLSERVER_DEBUG": "false",  # no access log
        "MLSERVER_PARALLEL_WORKERS": "0",
        "MLSERVER_HOST": HOST,
        "MLSERVER_HTTP_PORT": str(place.ports[0]),
        "MLSERVER_GRPC_PORT": str(place.ports[1]),
        "MLSERVER_METRICS_PORT": str(place.ports[2]),
        "MLSERVER_METRICS_DIR": str(place.folder),
        "MLSERVER_ENVIRONMENTS_DIR": str(place.folder),
    }
    return peer_variables(place) | own


def _bentoml_variables(place: Place) -> dict[str, str]:
    return peer_variables(place) | {"BENTOML_HOME": str(place.folder), "BENTOML_DO_NOT_TRACK": "true"}


def matchday_variables(place: Place) -> dict[str, str]:
    """Everything on: metrics, traces of 5 % of requests to a file, the prediction log to a file."""
    serving = {
        "BUNDLES": json.dumps([str(place.bundle)]),
        "VERSIONS": json.dumps(["1"]),
        "HOST": HOST,
        "PORT": str(place.ports[0]),
        "ONLINE_STORE": f"redis://{HOST}:{place.redis}/0",
        "PREDICTIONS": f"file:{place.folder / 'predictions.jsonl'}",
        "DRAIN_SECONDS": "0",
    }
    own = {f"MATCHDAY_SERVING_{name}": value for name, value in serving.items()}
    return own | {
        "MATCHDAY_HOME": str(place.folder),
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.05",
    }


def _matchday_reading_variables(place: Place) -> dict[str, str]:
    """The same, but with no features kept from one request to the next: like the peers, it asks Redis each time."""
    return matchday_variables(place) | {"MATCHDAY_SERVING_FEATURES_FRESH_SECONDS": "0"}


KSERVE = Contestant(
    name="KServe SDK",
    environment="kserve",
    command=lambda place: [str(place.bin / "python"), str(HERE / "kserve_server.py")],
    variables=peer_variables,
    modes={"entity": body.v2_entity, "raw": body.v2_raw},
)
MLSERVER = Contestant(
    name="MLServer",
    environment="mlserver",
    command=lambda place: [str(place.bin / "mlserver"), "start", str(HERE / "mlserver-model")],
    variables=_mlserver_variables,
    modes={"entity": body.v2_entity},
)
BENTOML = Contestant(
    name="BentoML",
    environment="bentoml",
    command=lambda place: [
        *(str(place.bin / "bentoml"), "serve", "bentoml_service:MatchOutcome", "--working-dir", str(HERE)),
        *("--host", HOST, "--port", str(place.ports[0])),
    ],
    variables=_bentoml_variables,
    modes={"entity": body.columns},
    path="/predict",
    answer=body.rows_answer,
)
FASTAPI = Contestant(
    name="FastAPI",
    environment="fastapi",
    command=lambda place: [
        *(str(place.bin / "uvicorn"), "fastapi_app:app", "--host", HOST, "--port", str(place.ports[0])),
        *("--no-access-log", "--log-level", "warning"),
    ],
    variables=peer_variables,
    modes={"entity": body.record},
    path="/predict",
    answer=body.record_answer,
)
FLOOR = Contestant(
    name="floor",
    environment=None,
    command=lambda place: [sys.executable, "-m", "benchmarks.serving.floor"],
    variables=matchday_variables,
    modes={"constant": body.v2_raw},
    right=False,
)
MATCHDAY = Contestant(
    name="Matchday",
    environment=None,
    command=lambda place: [sys.executable, "-m", "serving"],
    variables=_matchday_reading_variables,
    modes={"entity": body.v2_entity, "raw": body.v2_raw},
)
MATCHDAY_KEPT = Contestant(
    name="Matchday, features kept 0.5 s",
    environment=None,
    command=lambda place: [sys.executable, "-m", "serving"],
    variables=matchday_variables,
    modes={"entity": body.v2_entity},
)

PEERS = (KSERVE, MLSERVER, BENTOML, FASTAPI)
ALL = (*PEERS, FLOOR, MATCHDAY, MATCHDAY_KEPT)
FOLDER = REPOSITORY
"""Where every contestant is started."""
