"""A published feature service is what it was; a change of it is refused with what to do."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.features import entities, published, services
from matchday.features.difference import Change, compare
from matchday.features.published import FeatureVersionError, check_published, describe, fingerprint, publish
from matchday.features.services import (
    MATCH_OUTCOME_V1,
    PLAYER_POINTS_V1,
    SERVICES,
    UnknownServiceError,
    feature_service,
    version_of,
)
from matchday.features.values import feature_values
from matchday.models.catalogue import KINDS
from matchday.settings import REPOSITORY
from matchday.signature import DaysSince, FeatureRef
from matchday.sources.snapshot import Snapshot

V1 = SERVICES["match_outcome_v1"]


def changed(**fields: object) -> services.FeatureService:
    """The first version with its first feature another one."""
    return replace(V1, features=(replace(V1.features[0], **fields), *V1.features[1:]))


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the pins, which `publish` may write."""
    file = tmp_path / "published.json"
    file.write_bytes(published.PUBLISHED.read_bytes())
    monkeypatch.setattr(published, "PUBLISHED", file)
    return file


def test_every_service_of_this_code_is_as_it_was_published() -> None:
    check_published(SERVICES)


def test_every_feature_has_the_values_that_it_was_published_with() -> None:
    """Whoever makes a published feature mean something else publishes it under a new version instead."""
    computed: dict[FeatureRef, str] = {}
    for features in (MATCH_OUTCOME_V1, PLAYER_POINTS_V1):
        now = feature_values(Snapshot(REPOSITORY / "data"), features)
        computed |= {ref: now[ref.name] for ref in features}
    for name, pinned in published.read_published().items():
        assert set(SERVICES[name].features) <= computed.keys(), "compute the others here as well"
        assert pinned.values == {ref.name: computed[ref] for ref in SERVICES[name].features}


def test_models_read_published_services() -> None:
    for kind in KINDS.values():
        service = SERVICES[kind.feature_service]
        assert (service.features, service.inputs) == (kind.features, kind.inputs)


CHANGES = {
    "another feature": (changed(feature="elo"), "changes league_level: feature level, now elo"),
    "another view": (
        changed(view="team_ratings_v2"),
        "changes league_level: view team_ratings, now team_ratings_v2",
    ),
    "another type": (changed(dtype="int64"), "changes league_level: dtype float64, now int64"),
    "another rule": (
        changed(derived=DaysSince(7.0)),
        "changes league_level: derived none, now at_most=7.0 kind=days_since",
    ),
    "another input": (changed(input="away"), "changes league_level: input home, now away"),
    "one less": (replace(V1, features=V1.features[1:]), "lacks league_level"),
    "one more": (
        replace(V1, features=(*V1.features, replace(V1.features[0], name="moon"))),
        "adds moon",
    ),
    "another order": (
        replace(V1, features=(V1.features[1], V1.features[0], *V1.features[2:])),
        "changes order of columns: at 1 league_level, now league_home_edge",
    ),
    "another entity": (
        replace(V1, inputs=(entities.PLAYER.named("home"), V1.inputs[1])),
        "changes input home: join_key team, now player; input home: datatype BYTES, now INT64",
    ),
}


@pytest.mark.parametrize(("service", "told"), CHANGES.values(), ids=list(CHANGES))
def test_a_change_in_place_is_refused_with_what_to_do(pins: Path, service: services.FeatureService, told: str) -> None:
    before = pins.read_bytes()
    for refused in (lambda: check_published({service.name: service}), lambda: publish(service, {})):
        with pytest.raises(FeatureVersionError) as why:
            refused()
        assert str(why.value) == (
            f"the feature service match_outcome_v1 is not the one published in published.json: it {told}. Models that"
            " are served read match_outcome_v1: leave it as it was and add the change as match_outcome_v2 to"
            " matchday/features/services.py"
        )
    assert pins.read_bytes() == before


def test_another_ttl_is_a_change_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entities, "TTL_SECONDS", 60)
    with pytest.raises(FeatureVersionError, match=r"changes view team_form: ttl_seconds 10368000(\.0)?, now 60"):
        check_published(SERVICES)


def test_a_new_version_is_published_once_beside_the_old_one(pins: Path) -> None:
    second = replace(changed(feature="elo"), name="match_outcome_v2")
    with pytest.raises(FeatureVersionError, match="'matchday features publish match_outcome_v2' pins its definition"):
        check_published({**SERVICES, second.name: second})
    before = json.loads(pins.read_bytes())
    assert publish(second, {"home_elo": "abcd"}) is True
    assert publish(second, {}) is False
    check_published({**SERVICES, second.name: second})
    after = json.loads(pins.read_bytes())
    assert {name: after[name] for name in before} == before
    assert after["match_outcome_v2"]["values"] == {"home_elo": "abcd"}


@pytest.mark.parametrize("content", [b"", b"[]", b'{"match_outcome_v1": {}}', b"{"])
def test_pins_that_are_damaged_are_named(pins: Path, content: bytes) -> None:
    pins.write_bytes(content)
    with pytest.raises(FeatureVersionError, match=r"published\.json is not as it was written: restore it from git"):
        check_published(SERVICES)


@given(order=some.permutations(range(len(V1.features))))
def test_the_same_definition_has_one_fingerprint_and_any_other_another(order: list[int]) -> None:
    shuffled = describe(replace(V1, features=tuple(V1.features[place] for place in order)))
    same = order == sorted(order)
    assert (fingerprint(shuffled) == fingerprint(describe(V1))) is same
    assert compare(describe(V1), shuffled).empty is same


def test_values_are_compared_where_both_are_known() -> None:
    found = compare(describe(V1), describe(V1), {"home_elo": "a", "away_elo": "b"}, {"home_elo": "c"})
    assert (found.values, found.empty) == (("home_elo",), False)
    assert "away_elo" in found.unknown_values
    assert "home_elo" not in found.unknown_values
    assert str(found) == "has other values of home_elo"
    assert str(compare(describe(V1), describe(V1))) == "is the same"
    assert str(Change("a", "dtype", None, "int64")) == "a: dtype none, now int64"


def test_a_service_is_found_by_its_name_and_a_version_in_it() -> None:
    assert feature_service("match_outcome_v1") is V1
    with pytest.raises(UnknownServiceError, match=r"no feature service 'match-outcome-v2'; did you mean match_outcome"):
        feature_service("match-outcome-v2")
    with pytest.raises(UnknownServiceError, match="there are: match_outcome_v1, total_goals_v1"):
        feature_service("weather")
    assert [version_of(name) for name in ("team_form", "team_form_v2", "match_outcome_v13")] == [1, 2, 13]
