"""Envoy accepts the configuration that it is given."""

import json
import subprocess
from pathlib import Path

from rollout.embedded import envoy_config
from rollout.embedded.envoy import find_binary
from serving.settings import ServingSettings
from tests.services.processes import free_port


def test_envoy_finds_nothing_unknown_or_deprecated_in_its_configuration(tmp_path: Path) -> None:
    settings = ServingSettings()
    (tmp_path / envoy_config.CLUSTERS_FILE).write_text(json.dumps(envoy_config.clusters({"1": 20001}, settings)))
    (tmp_path / envoy_config.ROUTES_FILE).write_text(json.dumps(envoy_config.routes({"1": 100}, settings)))
    bootstrap = envoy_config.bootstrap("127.0.0.1", free_port(), tmp_path, tmp_path / "admin.sock", settings)
    (tmp_path / "envoy.json").write_text(json.dumps(bootstrap))
    command = [find_binary(), "--mode", "validate", "--reject-unknown-dynamic-fields", "-c"]
    result = subprocess.run([*command, str(tmp_path / "envoy.json")], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "deprecated" not in result.stderr


def test_the_version_of_a_discovery_file_depends_on_its_content_alone() -> None:
    settings = ServingSettings()
    one, same, other = (
        envoy_config.routes(weights, settings) for weights in ({"1": 95, "2": 5}, {"2": 5, "1": 95}, {"1": 100})
    )
    assert one == same and one["version_info"] != other["version_info"]


def test_weights_are_read_as_they_were_written() -> None:
    names = {envoy_config.cluster("1"): 95, envoy_config.cluster("2"): 5}
    assert envoy_config.weights_of(envoy_config.routes({"1": 95, "2": 5}, ServingSettings())) == names
    assert envoy_config.weights_of({}) == {}
