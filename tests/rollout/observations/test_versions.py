"""The registry's champion and marks, as a rollout moves and leaves them."""

from pathlib import Path
from uuid import uuid4

import pytest

from matchday.bundle import write_bundle
from matchday.registry import Registry, RegistryError
from rollout.observations.versions import ROLLED_BACK, RegisteredVersions
from tests.serving.conftest import graph, signature

WHEN = 1_772_000_000.125


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry(f"sqlite:///{tmp_path_factory.mktemp('registry') / 'mlflow.db'}")


@pytest.fixture
def model(registry: Registry, tmp_path: Path) -> str:
    """A model of the test's own with versions 1 to 3: 1 is champion, 3 challenger."""
    name = f"match-outcome-{uuid4().hex[:8]}"
    for number in (1, 2, 3):
        write_bundle(tmp_path / f"{number}", graph(), signature(model=name), {}, f"# {number}\n")
        registry.log_run("tests", {}, {"rps": 0.2}, {}, tmp_path / f"{number}", name)
    registry.set_alias(name, "champion", "1")
    registry.set_alias(name, "challenger", "3")
    return name


@pytest.fixture
def versions(registry: Registry) -> RegisteredVersions:
    return RegisteredVersions(registry)


def test_versions_and_aliases_mean_versions(versions: RegisteredVersions, model: str) -> None:
    assert versions.champion(model) == "1"
    assert versions.resolve(model, "challenger") == "3"
    assert versions.resolve(model, "2") == versions.resolve(model, "02") == "2"


def test_a_crowned_version_is_the_champion_however_often(versions: RegisteredVersions, model: str) -> None:
    for _ in range(2):
        versions.promote(model, "3")
        assert versions.champion(model) == "3"
    with pytest.raises(RegistryError, match="has no alias challenger; its aliases: champion"):
        versions.resolve(model, "challenger")
    versions.promote(model, "1")
    assert versions.champion(model) == "1"


def test_a_version_that_was_taken_back_is_remembered_until_it_is_crowned(
    registry: Registry, versions: RegisteredVersions, model: str
) -> None:
    assert versions.rolled_back_at(model, "2") is None
    for _ in range(2):
        versions.mark_rolled_back(model, "2", WHEN, "4.2 % of requests not answered, stable 0.1 %\nsee the log")
    assert versions.rolled_back_at(model, "2") == WHEN
    assert registry.tags(model, "2")[ROLLED_BACK].startswith("2026-02-25T06:13:20.125+00:00 4.2 % of requests")
    assert versions.rolled_back_at(model, "3") is None
    versions.mark_rolled_back(model, "2", WHEN + 60, "again")
    assert versions.rolled_back_at(model, "2") == WHEN + 60
    versions.promote(model, "2")
    assert versions.rolled_back_at(model, "2") is None
    versions.mark_rolled_back(model, "2", WHEN, "x" * 20_000)
    assert versions.rolled_back_at(model, "2") == WHEN


def test_a_mark_of_somebody_else_is_told(registry: Registry, versions: RegisteredVersions, model: str) -> None:
    registry.set_tag(registry.resolve(f"mlflow://{model}/2"), ROLLED_BACK, "last week")
    with pytest.raises(RegistryError, match=rf"tag {ROLLED_BACK} of {model} version 2 is 'last week'"):
        versions.rolled_back_at(model, "2")


def test_what_is_not_there_is_told_in_the_words_of_the_registry(versions: RegisteredVersions, model: str) -> None:
    for wrong, reason in (("9", "has no version 9; its latest: 1, 2, 3"), ("best", "has no alias best; its aliases: ")):
        with pytest.raises(RegistryError, match=reason):
            versions.resolve(model, wrong)
    with pytest.raises(RegistryError, match="is no model URI"):
        versions.resolve(model, "1.5")
    for unknown in (lambda name: versions.champion(name), lambda name: versions.promote(name, "1")):
        with pytest.raises(RegistryError, match="no model nobody in MLflow"):
            unknown("nobody")
    for act in (
        lambda: versions.promote(model, "9"),
        lambda: versions.rolled_back_at(model, "9"),
        lambda: versions.mark_rolled_back(model, "9", WHEN, "why"),
    ):
        with pytest.raises(RegistryError, match="has no version 9"):
            act()
    assert versions.champion(model) == "1"


def test_a_registry_that_is_away_is_told() -> None:
    with pytest.raises(RegistryError, match=r"MLflow at http://127.0.0.1:1 could not"):
        RegisteredVersions(Registry("http://127.0.0.1:1")).champion("match-outcome")


def test_an_alias_that_a_promotion_took_is_given_back_unless_another_has_it(
    versions: RegisteredVersions, registry: Registry, model: str
) -> None:
    versions.promote(model, "3")
    assert "challenger" not in registry.aliases(model)
    versions.restore_alias(model, "challenger", "3")
    assert registry.aliases(model)["challenger"] == "3"
    versions.restore_alias(model, "challenger", "2")
    assert registry.aliases(model)["challenger"] == "3"


def test_who_may_not_write_changes_nothing(registry: Registry, model: str) -> None:
    class Elsewhere(Exception):
        """Another operator acts."""

    def refuse() -> None:
        raise Elsewhere

    versions, before = RegisteredVersions(Registry(registry.tracking_uri, may_write=refuse)), registry.aliases(model)
    for write in (
        lambda: versions.promote(model, "2"),
        lambda: versions.restore_alias(model, "else", "2"),
        lambda: versions.mark_rolled_back(model, "2", WHEN, "bad"),
    ):
        with pytest.raises(Elsewhere):
            write()
    assert registry.aliases(model) == before
    assert not registry.resolve(f"mlflow://{model}/2").tags.get(ROLLED_BACK)
