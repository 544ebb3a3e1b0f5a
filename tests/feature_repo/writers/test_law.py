"""Whatever the order and however many the writers: the store ends with the greatest row of each entity in each view."""

import asyncio
import math
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from feature_repo.writers import FeatureRow, WriteCounts
from feature_repo.writers.row import Feature, content, encode
from serving.features.store import Key, Row
from tests.feature_repo.writers.conftest import Place, new_project

pytestmark = pytest.mark.services

VIEWS = {"team_form": "team", "team_ratings": "team", "player_form": "player"}
KEYS: dict[str, tuple[Key, ...]] = {"team": ("ARS", "Brighton & Hove ⚽"), "player": (118748, -5)}
NOBODY: dict[str, Key] = {"team": "nobody", "player": 0}
FEATURES = ("points", "elo", "last_kickoff", "manager")
NOON = 1_780_000_000.0
MOMENTS = (NOON, NOON + 0.000001, NOON + 0.5, NOON + 1, NOON - 86_400, -1.5, 0.0)

values = some.one_of(
    some.none(),
    some.floats(allow_nan=False),
    some.integers(-(2**63), 2**63 - 1),
    some.text(max_size=5),
    some.booleans(),
)


@some.composite
def rows(draw: some.DrawFn) -> FeatureRow:
    """Few entities, moments and revisions, so that rows meet; features may come and go."""
    view = draw(some.sampled_from(sorted(VIEWS)))
    return FeatureRow(
        view,
        VIEWS[view],
        draw(some.sampled_from(KEYS[VIEWS[view]])),
        draw(some.sampled_from(MOMENTS)),
        draw(some.sampled_from((0, 1, 2, 2**53 + 1, 2**63 - 1))),
        draw(some.dictionaries(some.sampled_from(FEATURES), values, min_size=1)),
    )


def rank(row: FeatureRow) -> tuple[int, int, bytes]:
    """What the law compares rows by."""
    encoded = encode(row)
    return encoded.micros, encoded.revision, content(row.view, encoded.values)


def greatest(written: Iterable[FeatureRow]) -> dict[tuple[str, Key], FeatureRow]:
    found: dict[tuple[str, Key], FeatureRow] = {}
    for row in written:
        held = found.get((row.view, row.key))
        if held is None or rank(row) > rank(held):
            found[row.view, row.key] = row
    return found


def open_project(place: Place) -> str:
    """A new project with the tables of all views: a file that lacks one cannot be read."""
    name = new_project()
    with closing(place.writer(name)) as writer:
        writer.write([FeatureRow(view, kind, NOBODY[kind], 0.0, 0, {"elo": None}) for view, kind in VIEWS.items()])
    return name


def stored(place: Place, project: str) -> dict[tuple[str, Key], Row]:
    """All rows, as the server reads them."""

    async def read() -> dict[tuple[str, Key], Row]:
        store, found = place.reader(project), {}
        try:
            for join_key, keys in KEYS.items():
                views = {view: FEATURES for view, kind in VIEWS.items() if kind == join_key}
                found.update(await store.read(join_key, keys, views))
        finally:
            store.close()
        return found

    return asyncio.run(read())


def assert_stored(place: Place, project: str, expected: Mapping[tuple[str, Key], FeatureRow]) -> None:
    found = stored(place, project)
    assert found.keys() == expected.keys()
    for name, row in expected.items():
        whole: dict[str, Feature] = {**dict.fromkeys(FEATURES), **row.values}
        assert {feature: typed(value) for feature, value in found[name].values.items()} == {
            feature: typed(value) for feature, value in whole.items()
        }
        moment = math.trunc(row.event_time) if place.whole_seconds else row.event_time
        assert found[name].oldest == found[name].newest == pytest.approx(moment, abs=1e-6)


def typed(value: object) -> tuple[type, str]:
    """A value and its type: 1, 1.0 and True differ, and so do the zeros."""
    return type(value), repr(value)


@settings(max_examples=80)
@given(
    written=some.lists(rows(), min_size=1, max_size=12),
    turns=some.lists(some.tuples(some.integers(0, 1), some.integers(1, 8)), min_size=5, max_size=5),
    again=some.randoms(use_true_random=False),
)
def test_any_interleaving_of_two_writers_ends_with_the_greatest_rows(
    place: Place, written: list[FeatureRow], turns: list[tuple[int, int]], again: Random
) -> None:
    project = open_project(place)
    writers = [place.writer(project) for _ in range(2)]
    twice = [*written, *written]
    again.shuffle(twice)
    counts = [0, 0, 0]
    for writer, size in turns:
        batch, twice = twice[:size], twice[size:]
        counts = [sum(pair) for pair in zip(counts, writers[writer].write(batch), strict=True)]
    counts = [sum(pair) for pair in zip(counts, writers[0].write(twice), strict=True)]
    for writer in writers:
        writer.close()
    expected = greatest(written)
    assert sum(counts) == 2 * len(written)
    assert counts[0] >= len(expected)
    assert_stored(place, project, expected)


def form(team: str, at: float, revision: int = 0, **features: Feature) -> FeatureRow:
    return FeatureRow("team_form", "team", team, at, revision, features)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_correction_wins_over_what_it_corrects_and_a_later_row_over_both(
    place: Place, order: tuple[int, ...]
) -> None:
    project = open_project(place)
    three = [form("ARS", NOON, 0, points=1.0), form("ARS", NOON, 7, points=2.0), form("ARS", NOON + 1, 3, points=3.0)]
    for index in order:
        place.writer(project).write([three[index]])
    assert_stored(place, project, {("team_form", "ARS"): three[2]})


def test_what_became_of_each_row_is_counted(place: Place) -> None:
    writer = place.writer(open_project(place))
    noon = form("ARS", NOON, 5, points=1.0)
    assert writer.write([noon]) == WriteCounts(written=1)
    assert writer.write([noon]) == WriteCounts(unchanged=1)
    assert writer.write([form("ARS", NOON, 4, points=2.0), form("ARS", NOON - 1, 9, points=2.0)]) == WriteCounts(
        older=2
    )
    assert writer.write([]) == WriteCounts()
    assert sum(writer.write([form("ARS", NOON, 5, points=2.0)])[::2]) == 1, "decided by the values, not by the order"


def test_a_row_replaces_all_features_of_the_one_before(place: Place) -> None:
    project = open_project(place)
    writer = place.writer(project)
    writer.write(
        [
            form("ARS", NOON, points=1.0, manager="Arteta"),
            FeatureRow("team_ratings", "team", "ARS", NOON, 0, {"elo": 9.0}),
        ]
    )
    writer.write([form("ARS", NOON + 1, points=2.0, elo=3.0)])
    row = stored(place, project)["team_form", "ARS"]
    assert row.values == {"points": 2.0, "elo": 3.0, "last_kickoff": None, "manager": None}
    assert stored(place, project)["team_ratings", "ARS"].values["elo"] == 9.0


def test_two_writers_at_once_obey_the_law(place: Place) -> None:
    project = open_project(place)
    halves = [
        [
            form("ARS", NOON + (step * 7 + which) % 50, step % 3, points=float(step), elo=float(which))
            for step in range(120)
        ]
        for which in range(2)
    ]

    def write(half: list[FeatureRow]) -> None:
        with closing(place.writer(project)) as writer:
            for at in range(0, len(half), 5):
                writer.write(half[at : at + 5])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, halves))
    assert_stored(place, project, greatest([*halves[0], *halves[1]]))


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (form("ARS", NOON, -1, points=1.0), "no revision"),
        (form("ARS", NOON, 2**63, points=1.0), "no revision"),
        (form("ARS", math.nan, points=1.0), "no event time"),
        (form("ARS", NOON, points=2**70), "64 bits"),
    ],
)
def test_what_feast_cannot_hold_is_refused_and_nothing_of_it_written(place: Place, row: FeatureRow, why: str) -> None:
    project = open_project(place)
    writer = place.writer(project)
    with pytest.raises(ValueError, match=why):
        writer.write([row])
    writer.write([form("ARS", NOON, points=1.0)])
    assert stored(place, project)["team_form", "ARS"].values["points"] == 1.0
