"""Every server is asked the same question, each in its own words, and its answer is read back."""

import json
from dataclasses import dataclass

import pytest

from benchmarks.serving import body
from benchmarks.serving.contestant import ALL
from serving.protocol import v2


@dataclass(frozen=True)
class Match:
    home: str = "ARS"
    away: str = "LIV"
    kickoff: str = "2026-05-24T15:00:00Z"
    vector: tuple[float, ...] = (0.1, -2.5, 1706.538330078125)


def test_entity_mode_is_read_by_the_server_as_it_was_meant():
    request = v2.parse(body.v2_entity(Match()).encode())
    assert {name: list(tensor.values) for name, tensor in request.inputs.items()} == {
        "home": ["ARS"],
        "away": ["LIV"],
        "kickoff": ["2026-05-24T15:00:00Z"],
    }


def test_raw_mode_loses_no_bit_of_a_feature():
    (tensor,) = v2.parse(body.v2_raw(Match()).encode()).inputs.values()
    assert tensor.shape == (1, 3)
    assert tensor.datatype == "FP32"
    assert tensor.values.ravel().tolist() == pytest.approx(list(Match().vector), rel=1e-7)


def test_services_with_bodies_of_their_own_get_the_same_match():
    said = {"home": "ARS", "away": "LIV", "kickoff": "2026-05-24T15:00:00Z"}
    assert json.loads(body.record(Match())) == said
    assert json.loads(body.columns(Match())) == {name: [value] for name, value in said.items()}


def test_answers_are_read_in_the_order_home_draw_away():
    wanted = [0.5, 0.3, 0.2]
    assert body.v2_answer({"outputs": [{"name": "probabilities", "data": wanted}]}) == wanted
    assert body.rows_answer([wanted]) == wanted
    assert body.record_answer({"away": 0.2, "draw": 0.3, "home": 0.5}) == wanted


@pytest.mark.parametrize("contestant", ALL, ids=lambda each: each.name)
def test_a_body_is_one_line_of_json(contestant):
    for write in contestant.modes.values():
        text = write(Match())
        assert "\n" not in text
        json.loads(text)
