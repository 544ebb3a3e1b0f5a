"""A signature is read as it was written, upgraded from schema 1, or refused with the field's name."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.definitions import PLAYER, TEAM, TTL
from matchday.bundle import BundleError, read_bundle
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.packaging import describe
from matchday.signature import (
    DaysSince,
    EntityInput,
    FeatureRef,
    FurtherOutput,
    NumberInput,
    Signature,
    SignatureError,
    ViewRef,
)
from tests import kinds
from tests.signatures import REST, match_signature

SIGNATURE = match_signature(
    [
        FeatureRef("home_elo", "home", "team_ratings", "elo"),
        FeatureRef("away_rest", "away", "team_form", "last_kickoff", "int64", REST),
    ]
)

SCHEMA_1 = """{
  "classes": ["H", "D", "A"],
  "feature_service": "match_outcome_v1",
  "features": [
    {
      "dtype": "float64", "entity": "home", "feature": "elo", "name": "home_elo", "transform": null,
      "view": "team_ratings"
    },
    {
      "dtype": "int64", "entity": "away", "feature": "last_kickoff", "name": "away_rest",
      "transform": "days_before_kickoff", "view": "team_form"
    }
  ],
  "fingerprint": "f00d",
  "inputs": ["home", "away"],
  "model": "match-outcome",
  "output": "probabilities",
  "schema": 1,
  "trained_until": "2026-05-17T18:00:00+00:00",
  "version": "11"
}
"""
"""As the releases before wrote it."""


def old(**changes: Any) -> dict[str, Any]:
    return {**json.loads(SCHEMA_1), **changes}


def test_a_bundle_of_schema_1_is_read(tmp_path: Path) -> None:
    files = {"MODEL_CARD.md": "# Card\n", "explainer.json": "{}", "model.onnx": "graph", "signature.json": SCHEMA_1}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    sums = [f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in files.items()]
    (tmp_path / "SHA256SUMS").write_text("".join(sums))
    assert read_bundle(tmp_path).signature == replace(SIGNATURE, fingerprint="f00d", version="11")


def test_schema_1_of_players_gets_number_keys() -> None:
    features = [
        {"name": "points", "entity": "player", "view": "player_form", "feature": "points"},
        {"name": "elo", "entity": "opponent", "view": "team_ratings", "feature": "elo"},
    ]
    features = [{**each, "dtype": "float64", "transform": None} for each in features]
    read = Signature.from_json(old(features=features, inputs=["player", "opponent"], classes=[]))
    assert list(read.inputs) == [EntityInput("player", "player", "INT64"), EntityInput("opponent", "team", "BYTES")]
    assert list(read.views) == [ViewRef("player_form", 10_368_000.0), ViewRef("team_ratings", 10_368_000.0)]
    assert (read.distinct, read.moment) == ((), "kickoff")


def test_what_is_upgraded_is_written_as_schema_3_and_read_back() -> None:
    upgraded = Signature.from_json(old())
    assert upgraded.to_json()["schema"] == 3
    assert Signature.from_json(json.loads(json.dumps(upgraded.to_json()))) == upgraded


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"features": [{"name": "x", "transform": "squared"}]}, "features.x.transform is 'squared'"),
        ({"features": [{"name": "x"}]}, r"features\[0\] lacks"),
        ({"features": ["x"]}, r"features\[0\] is 'x'"),
        ({"features": None}, "features is None; a list is needed"),
        ({"inputs": "home"}, "inputs is 'home'; a list is needed"),
        ({"inputs": [3]}, r"inputs\[0\] is 3"),
        ({"pickle": "x"}, "holds pickle"),
        ({"model": ""}, "model is ''"),
    ],
)
def test_an_impossible_signature_of_schema_1_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(SignatureError, match=says):
        Signature.from_json(old(**change))


@pytest.mark.parametrize("field", [name for name in json.loads(SCHEMA_1) if name != "schema"])
def test_a_signature_of_schema_1_that_lacks_a_field_is_refused(field: str) -> None:
    with pytest.raises(SignatureError, match=field):
        Signature.from_json({key: item for key, item in old().items() if key != field})


def test_a_signature_of_schema_2_is_read_as_one_without_numbers_and_further_outputs() -> None:
    """As the release before wrote it."""
    second = {name: each for name, each in SIGNATURE.to_json().items() if name not in ("numbers", "further")}
    assert Signature.from_json(second | {"schema": 2}) == SIGNATURE
    with pytest.raises(SignatureError, match="holds further, numbers, unknown in schema 2"):
        Signature.from_json({**SIGNATURE.to_json(), "schema": 2})
    with pytest.raises(SignatureError, match="the signature lacks further, numbers"):
        Signature.from_json(second)


@pytest.mark.parametrize("schema", [0, 4, True, "3", None, [1], {}])
def test_an_unknown_schema_is_refused_with_what_to_do(schema: object) -> None:
    with pytest.raises(SignatureError, match=r"reads 1, 2 and 3: serve .* or train the model again") as refused:
        Signature.from_json({**SIGNATURE.to_json(), "schema": schema})
    assert repr(schema) in str(refused.value)


HOME_ELO, AWAY_REST = SIGNATURE.to_json()["features"]
LEAGUE = {"name": "league", "least": 1, "most": 4, "about": "the league's level"}
GRID = {"name": "grid", "shape": [11, 11], "about": "scores"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"pickle": "x"}, "pickle"),
        ({"model": ""}, "model"),
        ({"version": 3}, "version"),
        ({"classes": "HDA"}, "classes"),
        ({"classes": ["H", "H"]}, "classes"),
        ({"features": []}, "features is empty"),
        ({"features": [{"name": "x"}]}, r"features\[0\] lacks"),
        ({"features": ["home_elo"]}, r"features\[0\]"),
        ({"features": [HOME_ELO, HOME_ELO]}, "features names one twice"),
        ({"features": [HOME_ELO, AWAY_REST | {"derived": {"kind": "squared", "at_most": 1.0}}]}, "derived.kind"),
        ({"features": [HOME_ELO, AWAY_REST | {"derived": {"kind": "days_since", "at_most": 0}}]}, "derived.at_most"),
        ({"features": [HOME_ELO, AWAY_REST | {"derived": {"kind": "days_since"}}]}, "derived lacks at_most"),
        ({"features": [HOME_ELO, AWAY_REST | {"derived": "days_since"}]}, r"features\[1\]\.derived is"),
        ({"inputs": []}, "inputs is empty"),
        ({"distinct": [], "inputs": SIGNATURE.to_json()["inputs"][1:]}, r"features\.home_elo\.input"),
        ({"inputs": [{"name": "home", "join_key": "team", "datatype": "FP32"}]}, r"inputs\.home\.datatype"),
        ({"inputs": [{"name": "home", "datatype": "BYTES"}]}, r"inputs\[0\] lacks join_key"),
        ({"views": [{"name": "team_ratings", "ttl_seconds": None}]}, r"features\.away_rest\.view"),
        ({"views": [{"name": "team_ratings", "ttl_seconds": -1}]}, r"views\.team_ratings\.ttl_seconds"),
        ({"views": [*SIGNATURE.to_json()["views"], {"name": "weather", "ttl_seconds": None}]}, "names weather"),
        ({"moment": "home"}, "inputs, numbers and moment names one twice"),
        ({"moment": "features"}, "inputs, numbers and moment names one twice"),
        ({"moment": ""}, "moment"),
        ({"distinct": ["home", "referee"]}, "distinct is 'referee'"),
        ({"trained_until": "yesterday"}, "trained_until"),
        ({"numbers": [LEAGUE | {"name": "home"}]}, "inputs, numbers and moment names one twice"),
        ({"numbers": [LEAGUE | {"name": "kickoff"}]}, "inputs, numbers and moment names one twice"),
        ({"numbers": [LEAGUE | {"name": "features"}]}, "inputs, numbers and moment names one twice"),
        ({"numbers": [LEAGUE, LEAGUE]}, "numbers names one twice"),
        ({"numbers": [LEAGUE | {"name": "home_elo"}]}, "features and numbers names one twice"),
        ({"numbers": [LEAGUE | {"least": 4}]}, r"numbers\.league\.least is 4"),
        ({"numbers": [LEAGUE | {"least": "1"}]}, r"numbers\.league\.least is '1'"),
        ({"numbers": [LEAGUE | {"most": float("inf")}]}, r"numbers\.league\.most is inf"),
        ({"numbers": [LEAGUE | {"most": float("nan")}]}, r"numbers\.league\.most is nan"),
        ({"numbers": [LEAGUE | {"about": ""}]}, r"numbers\.about is ''"),
        ({"numbers": [{"name": "league"}]}, r"numbers\[0\] lacks about, least, most"),
        ({"numbers": None}, "numbers is None; a list is needed"),
        ({"further": [GRID, GRID]}, "further names one twice"),
        ({"further": [GRID | {"name": "probabilities"}]}, "output and further names one twice"),
        ({"further": [GRID | {"shape": 11}]}, r"further\.shape is 11; a list is needed"),
        ({"further": [GRID | {"shape": [11, 0]}]}, r"further\.grid\.shape is 0"),
        ({"further": [GRID | {"shape": [1.5]}]}, r"further\.grid\.shape is 1\.5"),
        ({"further": [GRID | {"shape": [True]}]}, r"further\.grid\.shape is True"),
        ({"further": ["grid"]}, r"further\[0\] is 'grid'; an object is needed"),
    ],
)
def test_an_impossible_signature_is_refused_and_the_field_named(change: dict[str, Any], says: str) -> None:
    with pytest.raises(SignatureError, match=says):
        Signature.from_json({**SIGNATURE.to_json(), **change})


def test_a_view_has_the_rows_of_one_kind_of_entity() -> None:
    inputs = [*SIGNATURE.inputs, EntityInput("player", "player", "INT64")]
    features = [*SIGNATURE.features, FeatureRef("elo", "player", "team_ratings", "elo")]
    with pytest.raises(
        SignatureError, match=r"features\.elo\.input is of a player; .* view team_ratings are of a team"
    ):
        replace(SIGNATURE, inputs=inputs, features=features)


@pytest.mark.parametrize("field", list(SIGNATURE.to_json()))
def test_a_signature_that_lacks_a_field_is_refused(field: str) -> None:
    value = {key: item for key, item in SIGNATURE.to_json().items() if key != field}
    with pytest.raises(SignatureError, match=field):
        Signature.from_json(value)


@pytest.mark.parametrize(
    "change", [{"dtype": "object"}, {"name": ""}, {"input": "referee"}, {"name": "away_rest"}, {"view": "weather"}]
)
def test_an_impossible_feature_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(SignatureError, match="features"):
        replace(SIGNATURE, features=[replace(SIGNATURE.features[0], **change), SIGNATURE.features[1]])


texts = st.text(min_size=1, max_size=8).filter(str.strip)
positive = st.floats(1e-3, 1e12)


@given(data=st.data(), version=st.none() | texts, fingerprint=texts, moment=st.none() | texts)
def test_a_signature_survives_json(
    data: st.DataObject, version: str | None, fingerprint: str, moment: str | None
) -> None:
    columns = data.draw(st.lists(texts, min_size=1, max_size=4, unique=True))
    names = st.lists(texts.filter(lambda name: name not in (moment, "features")), min_size=1, max_size=4, unique=True)
    inputs = [EntityInput(name, "team", data.draw(st.sampled_from(["BYTES", "INT64"]))) for name in data.draw(names)]
    derived = st.none() | st.builds(DaysSince, positive)
    signature = replace(
        SIGNATURE,
        inputs=inputs,
        features=[FeatureRef(name, inputs[-1].name, "form", name, derived=data.draw(derived)) for name in columns],
        views=[ViewRef("form", data.draw(st.none() | positive))],
        distinct=[each.name for each in inputs][:2],
        moment=moment,
        version=version,
        fingerprint=fingerprint,
        numbers=[NumberInput("a number", data.draw(st.floats(-9, 0)), data.draw(st.integers(1, 9)), "about")],
        further=[FurtherOutput("grid", data.draw(st.lists(st.integers(1, 20), max_size=3)), "about")],
    )
    assert signature.columns == (*columns, "a number")
    assert Signature.from_json(json.loads(json.dumps(signature.to_json()))) == signature


def test_the_signature_of_match_outcome_says_what_feast_knows() -> None:
    """Join keys, datatypes and TTLs are those of the Feast definitions that training joins by."""
    signature = describe(MATCH_OUTCOME, "f00d", "2026-05-17T18:00:00+00:00")
    entities = {entity.join_key: entity.value_type.name for entity in (TEAM, PLAYER)}
    assert entities == {"team": "STRING", "player": "INT64"}
    assert [(each.name, each.join_key, each.datatype) for each in signature.inputs] == [
        ("home", "team", "BYTES"),
        ("away", "team", "BYTES"),
    ]
    assert {view.name: view.ttl_seconds for view in signature.views} == dict.fromkeys(
        ("team_ratings", "team_form"), TTL.total_seconds()
    )
    assert [feature.name for feature in signature.features] == list(MATCH_OUTCOME.feature_names)


def test_a_signature_says_the_numbers_and_further_outputs_of_its_model() -> None:
    signature = describe(kinds.KIND, "f00d", "2026-05-17T18:00:00+00:00")
    assert list(signature.numbers) == [kinds.HOME, kinds.POSITION]
    assert list(signature.further) == [kinds.SPREAD, kinds.TWICE]
    assert signature.columns == kinds.KIND.feature_names
    assert Signature.from_json(json.loads(json.dumps(signature.to_json()))) == signature


def test_a_bundle_names_the_file_of_an_unknown_schema(tmp_path: Path) -> None:
    from matchday.bundle import write_bundle

    write_bundle(tmp_path / "bundle", b"graph", SIGNATURE, {}, "# Card\n")
    path = tmp_path / "bundle" / "signature.json"
    path.write_text(path.read_text().replace('"schema": 3', '"schema": 7'))
    sums = (tmp_path / "bundle" / "SHA256SUMS").read_text().splitlines()
    sums[-1] = f"{hashlib.sha256(path.read_bytes()).hexdigest()}  signature.json"
    (tmp_path / "bundle" / "SHA256SUMS").write_text("\n".join(sums) + "\n")
    with pytest.raises(BundleError, match=r"signature\.json: schema is 7, and this release reads 1, 2 and 3"):
        read_bundle(tmp_path / "bundle")
