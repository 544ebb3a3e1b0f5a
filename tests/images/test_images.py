"""The images that `make images` built of this commit: their size, their contents, and that they start."""

import itertools
import re
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest

import matchday
from tests.images.archive import ImageArchive
from tests.images.engine import STATE, USER, Engine, engines
from tests.services.requirements import CLUSTER_TEST, require

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MEGABYTES = {"serving": 250, "pipeline": 1200, "operator": 250}
EXTRAS = {"serving": ["serving"], "pipeline": ["pipeline", "stream"], "operator": ["operator"]}
"""Those of pyproject.toml whose packages an image has."""

START = {
    "serving": ["python", "-m", "serving"],
    "pipeline": ["matchday"],
    "operator": ["python", "-m", "rollout.kubernetes"],
}
FIRST_OWN = re.compile("MATCHDAY_HOME")

PROGRAMS = {"bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "opt/matchday/bin"}
COMPILER = re.compile(r"(.*-)?(gcc|g\+\+|cc|c\+\+|c[89]9|cpp|clang|ld|as|rustc|cargo|go|uv|make)(-[\d.]+)?")
LEFTOVER = re.compile(
    r"(^|/)(\.cache|\.git|\.aws|\.ssh|\.env|\.netrc|\.pypirc|pip\.conf|uv\.toml|id_rsa|id_ed25519)(/|$)"
    r"|^var/lib/apt/lists/.+_|\.deb$|^(src|tmp|wheel)/.|^opt/uv|^opt/matchday/.*/site-packages/pip/"
)
SECRET = re.compile(
    rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}"
    rb"|(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"
    rb"|gh[pousr]_[A-Za-z0-9]{36}|glpat-[\w-]{20}|hf_[A-Za-z0-9]{34}|xox[abp]-\d+-"
)
# Python's own image says who signed its source: GPG_KEY.
SECRET_NAME = re.compile("PASSWORD|SECRET|TOKEN|CREDENTIAL|(?<!GPG)_KEY|PROXY|INDEX_URL", re.IGNORECASE)
ADDRESS_WITH_PASSWORD = re.compile(r"://[^/\s]*:[^/\s]*@")

MODULES = {  # of packages that are not named for what is imported
    "grpcio": "grpc",
    "grpcio-health-checking": "grpc_health",
    "grpcio-reflection": "grpc_reflection",
    "kafka-python": "kafka",
    "kfp-kubernetes": "kfp.kubernetes",
    "opentelemetry-exporter-otlp-proto-http": "opentelemetry.exporter.otlp.proto.http",
    "opentelemetry-sdk": "opentelemetry.sdk",
    "protobuf": "google.protobuf",
    "scikit-learn": "sklearn",
    "xgboost-cpu": "xgboost",
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class BuiltImage:
    """An image of this commit, its engine and its files."""

    target: str
    name: str
    engine: Engine
    archive: ImageArchive

    def run(self, *command: str) -> CompletedProcess[str]:
        return self.engine.run(self.name, *command)


@pytest.fixture(scope="module", params=MEGABYTES)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BuiltImage]:
    tag = subprocess.run(
        ["sh", "scripts/images.sh", "tag"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    name = f"matchday-{request.param}:{tag.strip()}"
    engine = next((engine for engine in engines() if engine.has(name)), None)
    require(engine, f"no engine that may be asked here holds {name}: run make images", demanded=CLUSTER_TEST)
    assert engine
    file = tmp_path_factory.mktemp("images") / f"{request.param}.tar"
    engine.save(name, file)
    yield BuiltImage(request.param, name, engine, ImageArchive(file, FIRST_OWN))
    file.unlink()


def test_it_stays_below_its_limit(built: BuiltImage) -> None:
    assert built.archive.own_bytes <= MEGABYTES[built.target] * 10**6


def test_it_runs_as_a_user_without_rights(built: BuiltImage) -> None:
    assert built.archive.config["User"] == USER
    assert built.archive.config["WorkingDir"] == STATE
    assert built.archive.config["Entrypoint"] == START[built.target]
    assert built.run("id", "-u").stdout.strip() == USER.partition(":")[0]


def test_no_file_is_setuid_or_setgid(built: BuiltImage) -> None:
    assert not [path for path, member in built.archive.files.items() if member.isreg() and member.mode & 0o6000]


def test_everything_but_its_state_belongs_to_root(built: BuiltImage) -> None:
    own = {path for path, member in built.archive.files.items() if member.uid == int(USER.partition(":")[0])}
    assert own == {STATE.lstrip("/")}
    open_to_all = [
        path
        for path, member in built.archive.files.items()
        if path.startswith("opt/") and not member.issym() and member.mode & 0o002
    ]
    assert not open_to_all


def test_it_holds_no_compiler(built: BuiltImage) -> None:
    paths = [path.rpartition("/") for path in built.archive.files]
    assert not [name for folder, _, name in paths if folder in PROGRAMS and COMPILER.fullmatch(name)]


def test_it_holds_no_cache_and_nothing_of_who_built_it(built: BuiltImage) -> None:
    """An empty file may be left where a builder mounted one, to reach its package index."""
    full = [path for path, member in built.archive.files.items() if not member.isreg() or member.size]
    assert not [path for path in full if LEFTOVER.search(path)]


def test_it_holds_no_secret(built: BuiltImage) -> None:
    found = [
        (path, match[0][:40])
        for path, content in built.archive.contents(largest=2**18)
        if (match := SECRET.search(content)) and not match[0].endswith(b"EXAMPLE")
    ]
    assert not found


def test_neither_its_settings_nor_its_history_show_a_secret(built: BuiltImage) -> None:
    assert not [entry for entry in built.archive.config["Env"] if SECRET_NAME.search(entry.partition("=")[0])]
    lines = [*built.archive.config["Env"], *(entry.get("created_by", "") for entry in built.archive.history)]
    assert not [line for line in lines if ADDRESS_WITH_PASSWORD.search(line)]


def test_it_says_what_it_was_built_from(built: BuiltImage) -> None:
    labels = built.archive.config["Labels"]
    commit = labels["org.opencontainers.image.revision"]
    assert built.name.partition(":")[2].removesuffix("-dirty") == commit[:12]
    assert labels["org.opencontainers.image.version"] == matchday.__version__
    assert labels["org.opencontainers.image.title"] == f"matchday-{built.target}"
    assert labels["org.opencontainers.image.base.name"]
    assert f"MATCHDAY_COMMIT={commit}" in built.archive.config["Env"]


def test_the_command_line_runs_on_a_read_only_root(built: BuiltImage) -> None:
    ran = built.run("matchday", "--version")
    assert (ran.returncode, ran.stdout.strip()) == (0, matchday.__version__), ran.stderr


def test_only_its_state_can_be_written(built: BuiltImage) -> None:
    script = f"touch {STATE}/a && echo state; for at in / /etc /var /opt/matchday; do touch $at/a && echo $at; done"
    assert built.run("sh", "-c", script).stdout.split() == ["state"]


def test_every_package_it_asks_for_can_be_imported(built: BuiltImage) -> None:
    """scripts/slim.sh and the Containerfile leave out nothing that is imported."""
    extras = [PROJECT["optional-dependencies"][extra] for extra in EXTRAS[built.target]]
    asked = {*PROJECT["dependencies"], *itertools.chain(*extras)}
    names = sorted({re.split(r"[\[<>=;]", need)[0] for need in asked})
    modules = [MODULES.get(name, name.replace("-", "_")) for name in names]
    ran = built.run("python", "-c", "import " + ", ".join(modules))
    assert ran.returncode == 0, ran.stderr[-2000:]


def test_our_code_is_compiled(built: BuiltImage) -> None:
    paths = set(built.archive.files)
    modules = [path for path in paths if re.search(r"site-packages/(matchday|serving|console)/[^/]+\.py$", path)]
    assert modules
    for module in modules:
        folder, _, name = module.rpartition("/")
        assert any(path.startswith(f"{folder}/__pycache__/{name[:-3]}.cpython-") for path in paths), module


def test_the_server_carries_nothing_that_trains(built: BuiltImage) -> None:
    if built.target != "serving":
        pytest.skip("the pipeline's image trains")
    present = {
        path.split("site-packages/")[1].split("/")[0] for path in built.archive.files if "site-packages/" in path
    }
    assert not {"feast", "mlflow", "sklearn", "pandas", "scipy", "kfp", "xgboost", "duckdb", "pyarrow"} & present
    assert {"8080/tcp", "8081/tcp"} <= set(built.archive.config["ExposedPorts"])


def test_the_server_and_the_storage_container_start(built: BuiltImage) -> None:
    if built.target != "serving":
        pytest.skip("of the server's image")
    storage = built.run("python", "-m", "serving.storage")
    assert (storage.returncode, storage.stderr.split()[0]) == (2, "usage:")
    server = built.run("env", 'MATCHDAY_SERVING_BUNDLES=["/nowhere"]', "python", "-m", "serving")
    assert server.returncode == 2
    assert server.stderr.startswith("matchday serving: "), server.stderr


def test_the_operator_starts_without_registry_and_lake(built: BuiltImage) -> None:
    if built.target != "operator":
        pytest.skip("of the operator's own image")
    ran = built.run("python", "-m", "rollout.kubernetes")
    assert ran.returncode == 2
    assert ran.stderr.startswith("matchday rollout: "), ran.stderr


def test_the_bundled_history_is_whole(built: BuiltImage) -> None:
    if built.target != "pipeline":
        pytest.skip("only pipelines need history")
    ran = built.run("matchday", "data", "verify")
    assert ran.returncode == 0, ran.stderr
