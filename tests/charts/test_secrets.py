"""Passwords are in Secrets alone, and whatever pods refer to is there."""

from collections.abc import Iterator
from typing import Any

from tests.charts.manifests import everywhere, objects, of_kind
from tests.charts.rendering import documents, kind_and_name, render

GIVEN = {"matchday-credentials", "matchday-database", "matchday-football-data", "matchday-kafka", "matchday-token"}
"""Secrets that the examples take from elsewhere."""


def references(value: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """Every reference of environments to a Secret or ConfigMap: its kind of reference, and what it says."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if key in ("secretKeyRef", "configMapKeyRef", "secretRef", "configMapRef"):
            yield str(key), inner
        elif isinstance(inner, (dict, list)):
            yield from references(inner)


@everywhere
def test_passwords_are_in_secrets_alone(name: str) -> None:
    for each in objects(name):
        if each["kind"] != "Secret":
            assert "GENERATED" not in str(each), kind_and_name(each)


@everywhere
def test_what_pods_refer_to_is_in_the_chart_or_given(name: str) -> None:
    there = {(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in objects(name)}
    for each in objects(name):
        for reference, target in references(each):
            kind = "Secret" if reference.startswith("secret") else "ConfigMap"
            made = (kind, "matchday", target["name"]) in there
            given = kind == "Secret" and target["name"] in GIVEN
            assert made or given, f"{kind_and_name(each)} refers to {kind} {target['name']}"


def test_a_password_is_drawn_once_and_written_for_server_and_client() -> None:
    secrets = {each["metadata"]["name"]: each["stringData"] for each in documents(render()) if each["kind"] == "Secret"}
    redis, database = secrets["matchday-redis"], secrets["matchday-database"]
    assert f":{redis['REDIS_PASSWORD']}@" in secrets["matchday-credentials"]["MATCHDAY_ONLINE_STORE"]
    assert f":{database['POSTGRES_PASSWORD']}@" in database["MLFLOW_BACKEND_STORE_URI"]
    drawn = [value for secret in secrets.values() for value in secret.values() if len(value) == 32]
    assert len(set(drawn)) == len(drawn) == 6


def test_the_secret_of_an_overlay_has_every_key_that_the_chart_asks_for() -> None:
    [made] = of_kind("overlay-dev", "Secret")
    asked = {
        target["key"]
        for each in objects("overlay-dev")
        for reference, target in references(each)
        if reference == "secretKeyRef" and target["name"] == made["metadata"]["name"]
    }
    assert asked == made["data"].keys()
