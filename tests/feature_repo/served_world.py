"""A lake of two seasons, an online store filled from it, a bundle of the real features, and a server that logs."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import orjson
import pytest

from feature_repo.materialise import materialise
from matchday import history
from matchday.bundle import write_bundle
from matchday.events import EventsAddress
from matchday.features.tables import TABLES, build
from matchday.lake import Lake
from matchday.models.kind import ModelKind
from matchday.models.packaging import describe
from matchday.settings import Settings
from tests import league
from tests.league import WITH_FORM
from tests.services.processes import free_port, running
from tests.serving.conftest import COMMAND, environ, graph
from tests.serving.log.samples import lines
from tests.waiting import eventually

SEASONS = ("2425", "2526")
SPRING = datetime(2026, 4, 1, tzinfo=UTC)
KICKOFF = "2026-04-04T14:00:00.123456Z"
"""The log cuts it to milliseconds."""
LATE_KICKOFF = "2026-09-20T14:00:00Z"
"""More than the TTL after the newest row."""


def fill_lake(folder: Path) -> Lake:
    """A lake with two seasons and their feature tables, as the pipelines make them."""
    shutil.copytree(Path(_template().name) / "lake", folder)
    return Lake(str(folder))


@cache
def _template() -> TemporaryDirectory[str]:
    """Made once in a process, and deleted with it."""
    folder = TemporaryDirectory()
    lake = Lake(str(Path(folder.name) / "lake"))
    taken = history.ingest(league.bundled(Path(folder.name) / "data", SEASONS), lake)
    build(lake, taken.history)
    return folder


def pack(folder: Path, kind: ModelKind = WITH_FORM) -> Path:
    """A bundle that reads the features of a model."""
    signature = describe(replace(kind, further=()), "f00d", SPRING.isoformat())
    write_bundle(folder, graph(len(kind.features)), signature, {}, "# a card\n")
    return folder


@dataclass(frozen=True)
class ServedWorld:
    """The lake, its online store, and where predictions are logged."""

    folder: Path
    lake: Lake
    settings: Settings

    @classmethod
    def make(cls, folder: Path, online: str = "") -> "ServedWorld":
        """Filled as of spring. online: the store's address, a file by default."""
        lake = fill_lake(folder / "lake")
        address = {"MATCHDAY_ONLINE_STORE": online or str(folder / "online.db")}
        settings = Settings(home=folder / "home", MATCHDAY_LAKE=str(folder / "lake"), **address)
        world = cls(folder, lake, settings)
        world.materialise()
        return world

    tables = TABLES

    def materialise(self, as_of: datetime = SPRING) -> None:
        materialise(self.settings, self.lake, history.fingerprint(self.lake, TABLES), as_of)

    def adopt(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let commands of this process find it: they read their settings from the environment."""
        for name, value in self.variables.items():
            monkeypatch.setenv(name, value)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a command on it."""
        return {
            "MATCHDAY_HOME": str(self.settings.home),
            "MATCHDAY_LAKE": self.settings.lake,
            "MATCHDAY_ONLINE_STORE": self.settings.online_store,
        }

    @property
    def log(self) -> EventsAddress:
        return EventsAddress.parse(f"file:{self.folder / 'predictions.jsonl'}")

    @contextmanager
    def serving(self, bundle: Path, predictions: str = "", **more: str) -> Iterator["Asked"]:
        """A real server of the bundle, which reads the store for each request and logs its answers."""
        port = free_port()
        options = {"predictions": predictions or str(self.log), "features_fresh_seconds": "0", **more}
        variables = environ(self.settings.home, bundle, Path(self.settings.online_store), port, **options)
        variables["MATCHDAY_SERVING_ONLINE_STORE"] = self.settings.online_store
        with running(COMMAND, port, variables):
            yield Asked(f"http://127.0.0.1:{port}")

    def logged(self) -> list[dict[str, Any]]:
        return [line["data"] for line in lines(Path(self.log.path))]

    def wait_for(self, predictions: int) -> None:
        """Until so many predictions are in the log."""
        eventually(lambda: len(self.logged()) >= predictions)

    def rewrite(self, number: int, change: dict[str, Any]) -> None:
        """Change the data of one logged prediction."""
        path = Path(self.log.path)
        events = [orjson.loads(line) for line in path.read_bytes().splitlines()]
        events[number]["data"] |= change
        path.write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))


@dataclass(frozen=True)
class Asked:
    """The server, asked for forecasts."""

    url: str

    def forecast(self, home: Sequence[str], away: Sequence[str], kickoff: str = KICKOFF, name: str = "") -> Any:
        """The answer for a batch of matches."""
        given = {"home": home, "away": away, "kickoff": [kickoff] * len(home)}
        return self.ask({"id": name, "inputs": [_text(*each) for each in given.items()]})

    def raw(self, rows: list[list[float]]) -> Any:
        """The answer for features that are given with the request."""
        shape = [len(rows), len(rows[0])]
        return self.ask({"inputs": [{"name": "features", "datatype": "FP32", "shape": shape, "data": rows}]})

    def ask(self, body: Any) -> Any:
        answer = httpx.post(f"{self.url}/v2/models/match-outcome/infer", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()


def _text(name: str, values: Sequence[str]) -> dict[str, Any]:
    return {"name": name, "datatype": "BYTES", "shape": [len(values)], "data": list(values)}
