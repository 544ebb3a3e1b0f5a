"""New versions take over without a failed request; bad ones do not."""

import asyncio
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from matchday.bundle import write_bundle
from serving.current_bundles import CurrentBundles
from serving.endpoint import Endpoint
from serving.model import ModelError, load
from serving.sources import FolderSource
from serving.versions import ServedModel, VersionUpdater, until_next
from serving.warm import warm
from tests.services.processes import free_port, running
from tests.serving.conftest import COMMAND, Online, environ, graph, match, signature
from tests.waiting import eventually, eventually_on_loop

INFER = "/v2/models/match-outcome/infer"
REFRESH = 0.2
BACKGROUND = {"background": [[1900.0, 9.0, 7.0, 1500.0, 3.0, 2.0], [1500.0, 0.0, 1.0, 1600.0, 2.0, 3.0]]}


def made(folder: Path, version: str, onnx: bytes | None = None, explainer: Any = BACKGROUND, **changes: Any) -> Path:
    content = graph() if onnx is None else onnx
    write_bundle(folder, content, signature(version=version, **changes), explainer, f"# {version}\n")
    return folder


def point(link: Path, folder: Path) -> None:
    """Make the link lead to the folder, in one step."""
    fresh = link.with_name(".next")
    fresh.symlink_to(folder)
    fresh.replace(link)


def skewed(scale: float) -> bytes:
    """The graph with other weights."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(graph())
    weights = numpy_helper.to_array(model.graph.initializer[0]) * scale
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights.astype(np.float32), "weights"))
    return model.SerializeToString()


@contextmanager
def served(online: Online, link: Path, home: Path, **more: str) -> Iterator[httpx.Client]:
    port = free_port()
    settings = {"versions": "[]", "refresh_seconds": str(REFRESH), "drain_seconds": "0"} | more
    with (
        running(COMMAND, port, environ(home, link, online.path, port, **settings)),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        yield client


def version(client: httpx.Client) -> str:
    return str(client.post(INFER, json=match(), headers={"connection": "close"}).json()["model_version"])


class Traffic:
    """Clients that ask without a pause and keep every answer."""

    def __init__(self, url: str, clients: int = 4) -> None:
        self.answers: list[tuple[float, int, str, tuple[float, ...]]] = []
        self.failures: list[object] = []
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(url,)) for _ in range(clients)]

    def __enter__(self) -> "Traffic":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, url: str) -> None:
        with httpx.Client(base_url=url, timeout=60) as client:
            while not self._stopped.is_set():
                try:
                    response = client.post(INFER, json=match())
                    content = response.json()
                    output = tuple(content["outputs"][0]["data"])
                    assert content["parameters"]["model_version"] == content["model_version"]
                    self.answers.append((time.monotonic(), response.status_code, content["model_version"], output))
                except (httpx.HTTPError, KeyError, AssertionError) as error:
                    self.failures.append(repr(error))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_swap_under_traffic_fails_no_request_and_each_answer_is_of_one_version(
    online: Online, tmp_path: Path, workers: str
) -> None:
    link = tmp_path / "current"
    link.symlink_to(made(tmp_path / "v1", "1"))
    made(tmp_path / "v2", "2", skewed(0.5))
    with served(online, link, tmp_path / "home", workers=workers) as client, Traffic(str(client.base_url)) as traffic:
        eventually(lambda: len(traffic.answers) > 100)
        for number in (2, 1, 2):
            point(link, tmp_path / f"v{number}")
            eventually(lambda n=number: {version(client) for _ in range(20)} == {str(n)})  # type: ignore[misc]
        seen = len(traffic.answers)
        eventually(lambda: len(traffic.answers) > seen + 100)
    assert traffic.failures == []
    assert {status for _, status, _, _ in traffic.answers} == {200}
    outputs: dict[str, set[tuple[float, ...]]] = {}
    for _, _, of_version, output in traffic.answers:
        outputs.setdefault(of_version, set()).add(output)
    assert {key: len(values) for key, values in outputs.items()} == {"1": 1, "2": 1}
    assert outputs["1"] != outputs["2"]
    if workers == "1":
        order = [of_version for _, _, of_version, _ in sorted(traffic.answers)]
        changes = sum(a != b for a, b in pairwise(order))
        assert changes <= 3 + 2 * 4 * 3, "a handful of answers may cross at each of three swaps"


def test_bad_versions_leave_the_old_one_serving_and_are_reported(online: Online, tmp_path: Path) -> None:
    link = tmp_path / "current"
    link.symlink_to(made(tmp_path / "v1", "1"))
    altered = made(tmp_path / "altered", "2")
    (altered / "model.onnx").write_bytes(graph()[:-1])
    bad = {
        "does not match its sum": altered,
        "no bundle at": tmp_path / "nowhere",
        "is no graph that ONNX Runtime can run": made(tmp_path / "nonsense", "3", b"nonsense"),
        "takes": made(tmp_path / "narrow", "4", graph(columns=5)),
        "gives numbers that are no probabilities": made(tmp_path / "odd", "5", not_probabilities()),
        "holds player-points, in place of match-outcome": made(tmp_path / "other", "6", model="player-points"),
        "background": made(tmp_path / "rows", "7", explainer={"background": [[1.0], [2.0]]}),
        "has no table": made(tmp_path / "unknown", "8", features=unknown_features()),
    }
    with served(online, link, tmp_path / "home") as client:
        assert version(client) == "1"
        for reason, folder in bad.items():
            point(link, folder)
            eventually(lambda r=reason: r in json.dumps(client.get("/v2/health/ready").json().get("held_back")))  # type: ignore[misc]
            assert client.get("/v2/health/ready").status_code == 200
            assert version(client) == "1"
        point(link, made(tmp_path / "v9", "9"))
        eventually(lambda: version(client) == "9")
        eventually(lambda: client.get("/v2/health/ready").json() == {"ready": True})  # of the other worker too


def not_probabilities() -> bytes:
    import onnx

    model = onnx.load_from_string(graph())
    model.graph.node[-1].op_type = "Identity"
    del model.graph.node[-1].attribute[:]
    return model.SerializeToString()


def unknown_features() -> list[Any]:
    from matchday.signature import FeatureRef

    return [FeatureRef(f"home_{n}", "home", "weather", f"f{n}") for n in range(6)]


def test_a_bundle_that_is_rewritten_in_place_takes_over_once_it_is_whole(online: Online, tmp_path: Path) -> None:
    folder, fresh = made(tmp_path / "bundle", "1"), made(tmp_path / "fresh", "2", skewed(0.5))
    with served(online, folder, tmp_path / "home") as client:
        for path in sorted(fresh.iterdir()):
            shutil.copyfile(path, folder / path.name)
            time.sleep(REFRESH)
            assert version(client) in ("1", "2")
        eventually(lambda: version(client) == "2")


def test_a_model_that_was_absent_at_the_start_comes_when_its_bundle_is_mended(online: Online, tmp_path: Path) -> None:
    """The supervisor wants whole bundles, so this is the application in this process."""
    from serving.application import Application
    from serving.settings import ServingSettings
    from serving.worker import Worker

    folder = made(tmp_path / "bundle", "1")
    (folder / "model.onnx").write_bytes(b"cut off")
    worker = Worker(ServingSettings(bundles=[folder], online_store=str(online.path), refresh_seconds=0.05))
    application = Application(worker)

    async def scene() -> None:
        application.__rsgi_init__(asyncio.get_running_loop())
        assert worker.endpoints == {}
        assert "model.onnx" in worker.versions.absent[0]
        made(folder, "2")
        await eventually_on_loop(lambda: bool(worker.endpoints))
        assert worker.versions.absent == []
        assert worker.endpoints["match-outcome"].model.version == "2"
        application.__rsgi_del__(asyncio.get_running_loop())

    asyncio.run(scene())


class Unready(Endpoint):
    """An endpoint whose features cannot be read, while `down`."""

    down = True

    async def check_ready(self) -> None:
        from serving.protocol.errors import Unavailable

        if self.down:
            raise Unavailable("the store is away")


def test_a_good_version_waits_for_its_features_and_is_tried_again(tmp_path: Path) -> None:
    folder = made(tmp_path / "b", "1")
    (tmp_path / "run").mkdir()
    endpoints: dict[str, Any] = {}
    versions = VersionUpdater(
        endpoints,
        [ServedModel(folder, None, FolderSource(folder))],
        lambda path, registered: Unready(load(path, registered), None),  # type: ignore[arg-type]
        CurrentBundles(tmp_path / "run"),
        0.05,
    )
    versions.load()

    async def scene() -> None:
        versions.start(asyncio.get_running_loop())
        made(folder, "2")
        away = {"match-outcome": "match-outcome 2 cannot take over: the store is away"}
        await eventually_on_loop(lambda: versions.held_back == away)
        assert endpoints["match-outcome"].model.version == "1"
        Unready.down = False
        await eventually_on_loop(lambda: versions.held_back == {})
        assert endpoints["match-outcome"].model.version == "2"
        versions.stop()

    asyncio.run(scene())


def test_warming_up_tells_bad_models_from_good_ones(tmp_path: Path) -> None:
    warm(load(made(tmp_path / "good", "1")))
    warm(load(made(tmp_path / "bare", "1", explainer={})))
    warm(load(made(tmp_path / "empty", "1", explainer={"background": []})))
    infinite = {"background": [[1e38] * 6]}
    with pytest.raises(ModelError, match="match-outcome 1 fails on matches of its own training data"):
        warm(load(made(tmp_path / "infinite", "1", skewed(1e38), infinite)))
    for rows in ({"a": 1}, [["x"] * 6], [[1.0] * 5], [1.0] * 6):
        with pytest.raises(ModelError, match="is not rows of 6 numbers"):
            warm(load(made(tmp_path / "odd", "1", explainer={"background": rows})))


def test_workers_of_a_server_ask_at_the_same_moments() -> None:
    for period in (0.2, 5.0, 60.0):
        moments = {round(now + until_next(now, period), 6) for now in np.linspace(1e6, 1e6 + period, 7)[:-1]}
        assert len(moments) <= 2
        assert all(0 < until_next(now, period) <= period for now in np.random.default_rng(0).uniform(0, 2e9, 100))
    assert os.getppid() > 0
