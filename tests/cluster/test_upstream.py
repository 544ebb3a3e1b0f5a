"""The stand-in of the sources as the cluster is given it: its files are whole, and run where there is no checkout."""

import sys
import sysconfig
from pathlib import Path

import httpx
import kubernetes_validate

from matchday.settings import REPOSITORY, Settings
from tests.cluster import upstream
from tests.services.processes import free_port, running

IMAGE = "matchday-pipeline:abc"


def test_kubernetes_knows_every_field_and_the_files_fit_a_config_map() -> None:
    for each in upstream.objects(IMAGE):
        kubernetes_validate.validate(each, "1.32", strict=True)
    assert sum(len(text.encode()) for text in upstream.sources().values()) < upstream.MOST_BYTES


def test_the_pod_starts_what_the_config_map_brings(tmp_path: Path) -> None:
    """As in the pod: the files alone, beside an installed matchday; -S leaves out the checkout."""
    _, pod, _ = upstream.objects(IMAGE)
    [code, _] = pod["spec"]["volumes"]
    files = upstream.sources()
    for item in code["configMap"]["items"]:
        file = tmp_path / "code" / item["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(files[item["key"]])
    (tmp_path / "installed").mkdir()
    for package in ("matchday", "console"):
        (tmp_path / "installed" / package).symlink_to(REPOSITORY / package)
    [container] = pod["spec"]["containers"]
    port = free_port()
    command = [sys.executable, "-S", "-P", *container["command"][1:-1], str(port)]
    places = [tmp_path / "code", tmp_path / "installed", sysconfig.get_path("purelib")]
    environ = {"PYTHONPATH": ":".join(map(str, places)), "MATCHDAY_SNAPSHOT": str(Settings().snapshot)}
    with running(command, port, environ):
        answer = httpx.get(f"http://127.0.0.1:{port}/api/fixtures/", timeout=120)
    assert len(answer.json()) == 380
