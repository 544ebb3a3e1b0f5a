"""Facts about the repository itself: what is in it, and that its parts agree with each other."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

import matchday

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
# Spelt in parts, so that this file does not hold what it looks for.
FOLDERS = ("work", "root", "tmp", "Users", r"home/\w+")
MACHINE_PATH = re.compile(r"(?<![\w.$}*)-])/(?:" + "|".join(FOLDERS) + r")(?:/|\b(?!\w))")
WORKPLACE = re.compile(
    "|".join(["shared/" + "design", "match" + "day-base", "sand" + "box", "artifact-" + "registry"]),
    re.IGNORECASE,
)
PICTOGRAPH = re.compile("[\U0001f300-\U0001faff\u2705\u274c\u2b50\u2b55]")
LARGEST_FILE = 6 * 1024**2


@cache
def tracked() -> list[Path]:
    """Files that git knows, or would know: not ignored."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=False, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def texts() -> Iterator[tuple[Path, int, str]]:
    """Path, line number and text of every line that a person wrote."""
    for path in tracked():
        if path.name == "uv.lock" or path.suffix in {".parquet", ".onnx", ".png", ".gif", ".svg"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            yield path.relative_to(ROOT), number, line


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@cache
def lock() -> dict[str, Any]:
    return tomllib.loads((ROOT / "uv.lock").read_text())


def targets() -> set[str]:
    """Names that the Makefile declares phony, the generated ones aside."""
    declared = re.search(r"^\.PHONY: ([a-z -]+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert declared
    return set(declared[1].split())


@pytest.mark.parametrize(
    "pattern",
    [MACHINE_PATH, WORKPLACE, PICTOGRAPH],
    ids=["machine path", "name of a workplace", "pictograph"],
)
def test_nothing_is_written_that_belongs_to_one_machine(pattern: re.Pattern[str]) -> None:
    """But `.ci/cluster`, which knows the cluster that it looks for by its names."""
    lines = [each for each in texts() if each[0] != Path(".ci/cluster")]
    found = [f"{path}:{number}: {line.strip()}" for path, number, line in lines if pattern.search(line)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('cache = "/' + 'tmp/cache"', True),
        ("cd /" + "work/main", True),
        ("see /" + "home/someone/x", True),
        ("MATCHDAY_HOME=/var/lib/matchday", False),
        ("https://example.org/work/1", False),
        ("the frame/rootless way", False),
    ],
)
def test_machine_paths_are_recognised(line: str, found: bool) -> None:
    assert bool(MACHINE_PATH.search(line)) is found


def test_no_file_is_too_large_to_live_in_git() -> None:
    large = [str(path.relative_to(ROOT)) for path in tracked() if path.stat().st_size > LARGEST_FILE]
    assert not large


def test_nothing_that_runs_make_is_kept() -> None:
    kept = [path for path in tracked() if {".matchday", ".venv", ".tools", "__pycache__"} & set(path.parts)]
    assert not kept


def test_make_help_lists_every_target() -> None:
    shown = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make ([\w-]+) +\S", shown, re.MULTILINE)) == targets()


def test_make_without_a_target_is_help() -> None:
    runs = [subprocess.run(["make", "-s", *target], cwd=ROOT, capture_output=True) for target in ([], ["help"])]
    assert runs[0].stdout == runs[1].stdout != b""


def test_every_make_command_that_is_written_down_exists() -> None:
    command = re.compile(r"(?:`|^\s*(?:- )?(?:run: |entry: )?|&& )make ([a-z][a-z-]+)")
    known = targets()
    wrong = [
        f"{path}:{number}: make {name}"
        for path, number, line in texts()
        if path.suffix in {".md", ".yml", ".yaml"} or path.name == "run"
        for name in command.findall(line)
        if name not in known
    ]
    assert not wrong, "\n".join(wrong)


def test_an_upgrade_that_is_written_down_takes_up_new_values() -> None:
    """A release of an older chart would lack what has come since: `--reset-then-reuse-values` fills it in."""
    option = re.compile(r"--reuse-" + "values")
    assert not [f"{path}:{number}" for path, number, line in texts() if option.search(line)]


def test_the_lock_file_is_in_step_with_the_project() -> None:
    locked = next(package for package in lock()["package"] if package["name"] == "matchday")
    asked = [(Requirement(text), None) for text in project()["project"]["dependencies"]]
    for extra, texts_ in project()["project"]["optional-dependencies"].items():
        asked += [(Requirement(text), extra) for text in texts_]
    wanted = {(need.name, str(need.specifier), extra) for need, extra in asked}
    assert wanted == {locked_requirement(entry) for entry in locked["metadata"]["requires-dist"]}
    assert lock()["requires-python"].replace(" ", "") == project()["project"]["requires-python"]
    assert locked["version"] == project()["project"]["version"] == matchday.__version__


def locked_requirement(entry: dict[str, Any]) -> tuple[str, str, str | None]:
    """Name, version range and extra of one line of the lock file's own record of the project."""
    extra = re.search(r"extra == '([^']+)'", entry.get("marker", ""))
    specifier = str(Requirement(entry["name"] + entry.get("specifier", "")).specifier)
    return entry["name"], specifier, extra[1] if extra else None


def test_the_lock_file_names_the_public_index_only() -> None:
    addresses = set(re.findall(r'"https?://([^/"]+)', (ROOT / "uv.lock").read_text()))
    assert addresses == {"pypi.org", "files.pythonhosted.org"}


def test_one_version_of_uv_everywhere() -> None:
    setup = re.search(r"^UV_VERSION=(.+)$", (ROOT / "scripts/setup.sh").read_text(), re.MULTILINE)
    image = re.search(r"^ARG UV_VERSION=(.+)$", (ROOT / "Containerfile").read_text(), re.MULTILINE)
    assert setup and image and setup[1] == image[1]


def test_the_licence_is_the_one_that_is_declared() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert project()["project"]["license"] == "Apache-2.0"
    assert "Apache License" in text and "Version 2.0, January 2004" in text and "END OF TERMS" in text


def test_the_workflows_are_all_there() -> None:
    assert {path.stem for path in WORKFLOWS} == {"test", "data", "train", "images", "promote"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_is_bounded_and_asks_for_little(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"]
    assert workflow.get("on", workflow.get(True))  # YAML 1.1 reads `on` as true
    for name, job in workflow["jobs"].items():
        assert 0 < job["timeout-minutes"] <= 60, name
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"[\w-]+/[\w/-]+@v\d+", step["uses"]), step["uses"]
            assert "${{" not in step.get("run", ""), f"{name}: pass values to a shell through env"


def test_every_room_is_packaged_typed_and_watched() -> None:
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"benchmarks"}
    tools = project()["tool"]
    assert rooms == set(tools["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert rooms == set(tools["importlinter"]["root_packages"])
    assert rooms == set(tools["mypy"]["packages"])
    assert rooms == {name for layer in tools["importlinter"]["contracts"][0]["layers"] for name in layer.split(" | ")}


def test_images_copy_every_room_and_leave_the_rest_out() -> None:
    built = (ROOT / "Containerfile").read_text()
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for room in project()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        assert re.search(rf"^COPY {room} {room}$", built, re.MULTILINE), room
        assert room in allowed, room
    assert (ROOT / ".dockerignore").read_text().splitlines()[0] == "*"


def test_what_images_leave_out_is_locked_and_nothing_of_ours_imports_it() -> None:
    left_out = re.findall(r"--no-install-package ([\w-]+)", (ROOT / "Containerfile").read_text())
    assert left_out and set(left_out) <= {package["name"] for package in lock()["package"]}
    modules = "|".join({name.replace("-", "_") for name in left_out} | {"PIL", "fontTools"})
    imports = re.compile(rf"^\s*(?:import|from) (?:{modules})\b")
    rooms = set(project()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert not [f"{path}:{number}" for path, number, line in texts() if path.parts[0] in rooms and imports.match(line)]


@pytest.mark.parametrize("name", ["ORT_DISABLE_TELEMETRY", "DO_NOT_TRACK"])
def test_no_library_reports_what_runs_here(name: str) -> None:
    assert re.search(rf"^export {name} := ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert f" {name}=" in (ROOT / "Containerfile").read_text()
