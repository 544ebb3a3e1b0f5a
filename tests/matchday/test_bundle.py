"""A bundle is read exactly as it was written, or it is refused and the culprit is named."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matchday import bundle as bundles
from matchday.bundle import BundleError, read_bundle, verify_bundle, write_bundle
from matchday.signature import FeatureRef
from tests.signatures import REST, match_signature

FILES = ["MODEL_CARD.md", "SHA256SUMS", "explainer.json", "model.onnx", "signature.json"]
ONNX = bytes(range(256)) * 9
CARD = "# Card\nÀ lire\n"
SIGNATURE = match_signature(
    [
        FeatureRef("home_elo", "home", "team_ratings", "elo"),
        FeatureRef("away_rest", "away", "team_form", "last_kickoff", "int64", REST),
    ]
)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle as training writes it."""
    write_bundle(tmp_path / "bundle", ONNX, SIGNATURE, {"baseline": [0.1, 0.2]}, "# Card\nÀ lire\n")
    return tmp_path / "bundle"


def names(folder: Path) -> list[str]:
    """What is in a folder, hidden files too."""
    return sorted(entry.name for entry in folder.iterdir())


def reseal(folder: Path) -> None:
    """Make SHA256SUMS agree with what is in the folder, as a forger would."""
    lines = [f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in FILES if n != "SHA256SUMS"]
    (folder / "SHA256SUMS").write_text("".join(lines))


def test_what_is_written_is_what_is_read(bundle: Path) -> None:
    read = read_bundle(bundle)
    assert names(bundle) == FILES
    assert verify_bundle(bundle) == read.signature == SIGNATURE
    assert read.onnx == ONNX
    assert read.explainer == {"baseline": [0.1, 0.2]}
    assert read.card == CARD
    assert read.digest == hashlib.sha256((bundle / "SHA256SUMS").read_bytes()).hexdigest()


def test_the_sums_are_those_of_sha256sum(bundle: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "--status", "SHA256SUMS"], cwd=bundle, check=True)


def test_the_same_arguments_give_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    write_bundle(again, ONNX, replace(SIGNATURE), {"baseline": [0.1, 0.2]}, "# Card\nÀ lire\n")
    assert [(again / name).read_bytes() for name in FILES] == [(bundle / name).read_bytes() for name in FILES]


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_single_altered_byte_is_refused(bundle: Path, name: str, data: st.DataObject) -> None:
    whole = (bundle / name).read_bytes()
    position = data.draw(st.integers(0, len(whole) - 1))
    altered = bytearray(whole)
    altered[position] ^= data.draw(st.integers(1, 255))
    (bundle / name).write_bytes(altered)
    try:
        with pytest.raises(BundleError, match=name):
            verify_bundle(bundle)
    finally:
        (bundle / name).write_bytes(whole)


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_emptied_or_lengthened_file_is_refused_and_named(bundle: Path, name: str) -> None:
    whole = (bundle / name).read_bytes()
    for damaged in (whole[:-1], b"", whole + b"\n"):
        (bundle / name).write_bytes(damaged)
        with pytest.raises(BundleError, match=name):
            verify_bundle(bundle)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(BundleError, match=f"lacks {name}"):
        verify_bundle(bundle)


@pytest.mark.parametrize("name", ["weights.pkl", ".hidden", "model.onnx.data"])
def test_an_additional_file_is_named_even_when_it_is_sealed(bundle: Path, name: str) -> None:
    (bundle / name).write_bytes(b"x")
    with (bundle / "SHA256SUMS").open("a") as sums:
        sums.write(f"{hashlib.sha256(b'x').hexdigest()}  {name}\n")
    with pytest.raises(BundleError, match=name):
        verify_bundle(bundle)


@pytest.mark.parametrize("name", FILES)
def test_links_folders_and_pipes_are_refused_and_named(bundle: Path, name: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (bundle / name).rename(elsewhere)
    for make in (lambda p: p.symlink_to(elsewhere), lambda p: p.mkdir(), os.mkfifo):
        make(bundle / name)
        with pytest.raises(BundleError, match=f"{name} is not a regular file"):
            verify_bundle(bundle)
        (bundle / name).rmdir() if (bundle / name).is_dir() else (bundle / name).unlink()


def test_the_size_limit_holds_on_reading_and_on_writing(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "MAX_FILE_BYTES", 2000)
    with pytest.raises(BundleError, match=r"model\.onnx has 2,304 bytes.* 2,000"):
        verify_bundle(bundle)
    with pytest.raises(BundleError, match=r"model\.onnx has 2,001 bytes"):
        write_bundle(bundle, bytes(2001), SIGNATURE, {}, "")


def test_a_file_at_the_limit_is_taken(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "MAX_FILE_BYTES", 2304)
    assert verify_bundle(bundle) == SIGNATURE


def test_no_folder_is_a_plain_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"no bundle at .*nowhere"):
        verify_bundle(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("explainer.json", "[]", "JSON object"),
        ("explainer.json", '{"a": NaN}', "NaN"),
        ("explainer.json", '{"a": 1, "a": 2}', "twice"),
        ("explainer.json", "[" * 100_000, "not valid JSON"),
        ("signature.json", "{", "not valid JSON"),
        ("signature.json", "{}", "schema"),
    ],
)
def test_a_sealed_file_that_says_nothing_sensible_is_named(bundle: Path, name: str, content: str, says: str) -> None:
    (bundle / name).write_text(content)
    reseal(bundle)
    with pytest.raises(BundleError, match=f"{name}.*{says}"):
        verify_bundle(bundle)


def test_a_card_that_is_not_text_is_named(bundle: Path) -> None:
    (bundle / "MODEL_CARD.md").write_bytes(b"\xff\xfe")
    reseal(bundle)
    with pytest.raises(BundleError, match=r"MODEL_CARD\.md is not UTF-8"):
        verify_bundle(bundle)


def test_a_signature_that_is_not_valid_is_refused_and_its_file_named(bundle: Path) -> None:
    value = json.loads((bundle / "signature.json").read_text()) | {"model": ""}
    (bundle / "signature.json").write_text(json.dumps(value))
    reseal(bundle)
    with pytest.raises(BundleError, match=r"signature\.json: model is ''; text is needed"):
        verify_bundle(bundle)


def test_an_earlier_bundle_is_replaced_and_nothing_is_left_beside_it(bundle: Path) -> None:
    write_bundle(bundle, b"new", replace(SIGNATURE, version="2"), {}, "new")
    assert verify_bundle(bundle).version == "2"
    assert names(bundle.parent) == ["bundle"]


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("work of years")
    with pytest.raises(BundleError, match=r"thesis\.txt"):
        write_bundle(tmp_path, b"", SIGNATURE, {}, "")
    assert names(tmp_path) == ["thesis.txt"]


def test_a_failed_write_leaves_the_earlier_bundle_and_nothing_else(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BundleError, match="No space left"):
        write_bundle(bundle, b"new", SIGNATURE, {}, "new")
    assert read_bundle(bundle).onnx == ONNX
    assert names(bundle.parent) == ["bundle"]


def test_an_explainer_that_is_not_json_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"explainer\.json"):
        write_bundle(tmp_path / "bundle", b"", SIGNATURE, {"mean": float("nan")}, "")
    assert names(tmp_path) == []


def test_only_the_standard_library_is_imported() -> None:
    code = "import sys; before = set(sys.modules); import matchday.bundle; print(*set(sys.modules) - before)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    foreign = {name.split(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    assert foreign == {"matchday"}
