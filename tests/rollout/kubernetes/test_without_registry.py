"""An operator without Matchday's registry and lake: what it imports, and what it refuses."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from rollout.kubernetes.rounds import Rounds
from rollout.observations.without_registry import REASON, open_counted_sources
from rollout.sources import Sources
from tests.rollout.kubernetes.simulation import Simulation

ROOT = Path(__file__).resolve().parents[3]
HEAVY = (
    "pandas",
    "pyarrow",
    "pandera",
    "fsspec",
    "mlflow",
    "feast",
    "kfp",
    "duckdb",
    "onnxruntime",
    "sklearn",
    "boto3",
)
REMOVED = [
    f"scipy.{name}"
    for line in re.findall(r"^ && rm -rf (cluster .*) \\$", (ROOT / "Containerfile").read_text(), re.MULTILINE)
    for name in line.split()
]
"""Packages that the Containerfile takes out of the operator's image."""
STARTS = f"""
import sys
sys.modules.update(dict.fromkeys({[*HEAVY, *REMOVED]!r}))
from rollout.kubernetes import __main__, operator
from rollout.kubernetes.settings import OperatorSettings
settings = OperatorSettings(namespace="sales", registry=False, prometheus_url="http://127.0.0.1:1")
sources = operator.open_cluster_sources(settings, None, "sales")
assert sources.queries is not None
from rollout.judge import Cohort, Histogram, JudgeLimits, Observation, judge
both = Cohort(20_000, {{}}, Histogram((0.1, 1.0), (20_000, 0, 0)))
assert judge(Observation(both, both), JudgeLimits(), checks=("errors", "latency")).verdict == "pass"
"""


def test_it_starts_without_the_packages_of_pipelines() -> None:
    assert "scipy.stats" in REMOVED
    ran = subprocess.run([sys.executable, "-c", STARTS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_its_extra_names_no_package_of_pipelines() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert not [need for need in extras["operator"] if need.startswith((*HEAVY, "matchday"))]
    assert {*extras["operator"]} <= {*extras["rollout"], *extras["pipeline"]}


class CountingRounds(Simulation):
    """A simulation whose operator has no registry."""

    def operator(self, *_: object) -> Rounds:
        rounds = super().operator()
        rounds._sources = open_counted_sources()
        return rounds


def test_a_rollout_that_names_a_version_is_refused_with_what_to_do() -> None:
    sim = CountingRounds(kept={})
    sim.create()
    assert sim.until("Refused").reason == REASON


def test_nothing_is_read_of_what_is_not_there() -> None:
    sources: Sources = open_counted_sources()
    assert sources.scores.history("m", "1", "2", 52) is None
    assert sources.scores.live("m", "1", "2") is None
    assert (sources.load, sources.gateway, sources.queries) == (None, None, None)
