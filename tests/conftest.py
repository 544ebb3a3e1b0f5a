"""Every test has a home of its own, and the fast ones run first."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

# Read when prometheus_client is imported, these would make counters of the same name one counter in all registries of a
# process. feast.metrics sets them, and a process that has imported it hands them to the tests that it starts.
for name in ("PROMETHEUS_MULTIPROC_DIR", "PROMETHEUS_MULTIPROCESS_DIR"):
    os.environ.pop(name, None)

import prometheus_client  # noqa: E402, F401
import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

os.environ |= {"ORT_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "true"}  # read when a library is imported
os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # two workers have two cores: threads would spin

settings.register_profile("matchday", deadline=None, print_blob=True)
settings.register_profile("matchday-ci", parent=settings.get_profile("matchday"), derandomize=True)
settings.load_profile("matchday-ci" if os.environ.get("CI", "").lower() == "true" else "matchday")

OURS = ("MATCHDAY_", "OTEL_", "MLFLOW_", "FEAST_", "TRACEPARENT")
LATE_FOLDERS = ("e2e", "services", "images", "cluster")
"""The main job is one long file: it comes first of them, for the other worker has many short ones meanwhile."""

LONG_FILES = ("test_registry_database.py",)
"""Files of several minutes: first of their folder, as the last one to begin would leave the other worker idle."""


@pytest.fixture(scope="session", autouse=True)
def _clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No setting of the caller reaches a test, and nothing of a test reaches .matchday."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(OURS)]:
            patch.delenv(name)
        patch.setenv("MATCHDAY_HOME", str(tmp_path_factory.mktemp("session") / "home"))
        yield


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's own MATCHDAY_HOME; not yet made."""
    folder = tmp_path / "home"
    monkeypatch.setenv("MATCHDAY_HOME", str(folder))
    return folder


def pytest_configure() -> None:
    """Hide pytest's own arguments from the tests: `import kserve` parses sys.argv, and would end on them."""
    del sys.argv[1:]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast files first; a file is as late as its latest test, so that files stay together."""
    rank: dict[Path, int] = {}
    for item in items:
        rank[item.path] = max(rank.get(item.path, 0), lateness(item))
    items.sort(key=lambda item: (rank[item.path], item.path.name not in LONG_FILES))


def lateness(item: pytest.Item) -> int:
    """0 for a fast test, 1 for a slow one, 2 and more for those that start servers."""
    for place, folder in enumerate(LATE_FOLDERS, start=2):
        if folder in item.path.parent.relative_to(item.config.rootpath).parts:
            return place
    return 1 if item.get_closest_marker("slow") or item.get_closest_marker("services") else 0
