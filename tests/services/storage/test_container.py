"""The storage container fills a mount with a whole bundle, waits for what a release brings, or says what is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from matchday.bundle import BundleError, verify_bundle
from matchday.signature import Signature
from serving.storage import Absent, FetchError, Unreachable, Untrained
from serving.storage import __main__ as storage
from serving.storage.__main__ import deliver
from serving.storage.tracking import FILES
from tests.services.processes import free_port
from tests.services.storage.conftest import run
from tests.serving.conftest import signature

pytestmark = pytest.mark.services


def test_the_storage_container_fills_a_mount_and_says_what_it_did(server: str, model: str, tmp_path: Path) -> None:
    mount = tmp_path / "models"
    mount.mkdir()
    inode = mount.stat().st_ino
    done = run([f"mlflow://{model}@champion", str(mount)], server)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"mlflow://{model}@champion is {model} 2, verified in {mount}"
    assert {path.name for path in mount.iterdir()} == FILES
    assert (mount.stat().st_ino, verify_bundle(mount).version) == (inode, "2")
    (mount / ".matchday.left").mkdir()
    (mount / "model.onnx").write_bytes(b"cut off")
    assert run([f"mlflow://{model}/1", str(mount)], server).returncode == 0
    assert verify_bundle(mount).version == "1"


def test_the_storage_container_says_what_is_wrong_in_its_last_line(server: str, model: str, tmp_path: Path) -> None:
    def last(*arguments: str, tracking: str = server) -> tuple[int, str]:
        done = run(list(arguments), tracking)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr.splitlines()[-1]

    assert last("mlflow://m/1") == (
        2,
        "usage: python -m serving.storage mlflow://NAME/VERSION|mlflow://NAME@ALIAS FOLDER",
    )
    code, said = last(f"mlflow://{model}/1", str(tmp_path / "a"), tracking=f"http://127.0.0.1:{free_port()}")
    assert (code, "does not answer" in said) == (3, True)
    code, said = last(f"mlflow://{model}/7", str(tmp_path / "a"))
    assert (code, said) == (3, f"matchday storage: {model} has no version 7; its latest: 1, 2; give one of these")
    assert last("s3://bucket/x", str(tmp_path / "a"))[0] == 2
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "notes.txt").write_text("mine")
    code, said = last(f"mlflow://{model}/1", str(tmp_path / "used"))
    assert (code, "holds notes.txt, which is not part of a bundle" in said) == (2, True)
    (tmp_path / "file").write_text("")
    code, said = last(f"mlflow://{model}/1", str(tmp_path / "file" / "b"))
    assert (code, "cannot write the bundle" in said) == (2, True)


class Clock:
    """Time that passes only in sleep."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the storage container, which has ten minutes."""
    clock = Clock()
    monkeypatch.setattr(storage, "time", clock)
    monkeypatch.setenv("MATCHDAY_STORAGE_WAIT_SECONDS", "600")
    return clock


def failing(monkeypatch: pytest.MonkeyPatch, clock: Clock, *errors: tuple[float, FetchError]) -> None:
    """Let the delivery fail with the error of the moment: (seconds from the start until which, error)."""
    begun = clock.now

    def deliver(uri: str, folder: Path, tracking_uri: str) -> Signature:
        for until, error in errors:
            if clock.now - begun < until:
                raise error
        return signature()

    monkeypatch.setattr(storage, "deliver", deliver)


SILENT, NONE_YET, UNKNOWN = Unreachable("MLflow does not answer"), Untrained("no champion"), Absent("no version 7")


@pytest.mark.parametrize(
    ("errors", "code", "seconds", "waits"),
    [
        ([(40, SILENT)], 0, 40, [SILENT]),
        ([(20, SILENT), (580, NONE_YET)], 0, 580, [SILENT, NONE_YET]),
        ([(601, NONE_YET)], 3, 600, [NONE_YET]),
        ([(601, SILENT)], 3, 120, [SILENT]),
        ([(400, NONE_YET), (500, SILENT)], 0, 500, [NONE_YET, SILENT]),
        ([(400, NONE_YET), (601, SILENT)], 3, 518, [NONE_YET, SILENT]),
        ([(590, NONE_YET), (700, SILENT)], 3, 600, [NONE_YET, SILENT]),
        ([(1, UNKNOWN)], 3, 0, []),
        ([(10, SILENT), (12, UNKNOWN)], 3, 10, [SILENT]),
        ([(1, FetchError("damaged"))], 2, 0, []),
    ],
)
def test_the_storage_container_waits_for_what_a_release_brings_and_for_nothing_else(
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    errors: list[tuple[float, FetchError]],
    code: int,
    seconds: float,
    waits: list[FetchError],
) -> None:
    failing(monkeypatch, clock, *errors)
    begun = clock.now
    assert storage.main(["mlflow://match-outcome@champion", "/mnt/models"]) == code
    assert clock.now - begun == pytest.approx(seconds, abs=storage.RETRY_SECONDS)
    said = [f"matchday storage waits: {reason}" for reason in waits]
    last = [f"matchday storage: {errors[-1][1]}"] if code else []
    assert capsys.readouterr().err.splitlines() == said + last


def test_the_storage_container_needs_no_mlflow(server: str, model: str, tmp_path: Path) -> None:
    script = (
        "import sys\nfrom serving.storage.__main__ import main\n"
        f"assert main(['mlflow://{model}/1', {str(tmp_path / 'b')!r}]) == 0\n"
        "print(sorted({'mlflow', 'pandas', 'numpy', 'requests', 'onnxruntime'} & set(sys.modules)))\n"
    )
    environ = {**os.environ, "MATCHDAY_TRACKING_URI": server}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_cut_off_delivery_never_passes_for_a_bundle(
    server: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(f"mlflow://{model}/1", tmp_path, server)
    replace = os.replace
    for fatal in range(5):
        moved: list[object] = []

        def dies(source: Path, target: Path, fatal: int = fatal, moved: list[object] = moved) -> None:
            if target.parent == tmp_path:
                if len(moved) == fatal:
                    raise KeyboardInterrupt
                moved.append(target)
            replace(source, target)

        with monkeypatch.context() as patch:
            patch.setattr("serving.storage.__main__.os.replace", dies)
            with pytest.raises(KeyboardInterrupt):
                deliver(f"mlflow://{model}/2", tmp_path, server)
        with pytest.raises(BundleError):
            verify_bundle(tmp_path)
    deliver(f"mlflow://{model}/2", tmp_path, server)
    assert verify_bundle(tmp_path).version == "2"
