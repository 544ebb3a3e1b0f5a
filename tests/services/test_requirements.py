from pathlib import Path

import pytest

from tests.services.requirements import executable, require


def test_what_is_there_lets_the_test_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    require(Path(), "never said")
    assert executable("sh", package="dash").endswith("/sh")


def test_what_is_absent_skips_for_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="install nowhere-package"):
        executable("no-such-program", package="nowhere-package")


def test_what_is_absent_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="CI must have it: a broker"):
        require(None, "a broker")


def test_what_only_another_run_demands_skips_in_ci_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.skip.Exception, match="images"):
        require(None, "images", demanded=False)
