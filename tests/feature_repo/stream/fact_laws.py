"""What holds of every store of facts: the same facts make the same content, however they come."""

import random
import time
from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from feature_repo.stream.fact_store import FactStore, Progress
from feature_repo.stream.facts import Fact, make_fact
from tests.waiting import eventually

Open = Callable[[], FactStore]

SUBJECTS = (
    ("2425-ARS-LIV", None),
    ("2425-ARS-LIV", 7),
    ("2425-ARS-LIV", 8),
    ("2425-LIV-ARS", 7),
    ("2324-ARS-LIV", None),
)
SEASONS = ("2324", "2425")


def _fact(subject: tuple[str, int | None], revision: int, time: float, said: int) -> Fact:
    match, player = subject
    data = {"match": match, "revision": revision, "said": said}
    return make_fact(data if player is None else {**data, "player": player}, time)


FACTS = st.lists(
    st.builds(_fact, st.sampled_from(SUBJECTS), st.integers(0, 3), st.sampled_from([0.0, 1.5, 1e9]), st.integers(0, 2)),
    min_size=1,
    max_size=14,
)


def content(store: FactStore) -> dict[str, dict[str, bytes]]:
    """All facts by match and subject."""
    return {
        match: dict(subjects)
        for season in store.seasons()
        for match, subjects in store.changes(season, 0).facts.items()
    }


def expected(facts: Sequence[Fact]) -> dict[str, dict[str, bytes]]:
    """The content that facts make: of each subject the one whose rank is the greatest."""
    found: dict[str, dict[str, bytes]] = {}
    for fact in sorted(facts, key=lambda one: one.rank):
        found.setdefault(fact.match, {})[fact.subject] = fact.stored
    return found


def check_any_order(one: FactStore, other: FactStore, facts: Sequence[Fact], seed: int) -> None:
    """Two handles of an empty store put facts in turns: in any order, some twice, in batches of any size.

    A reader that asks only for what has changed since it asked last ends with the same content.
    """
    chance = random.Random(seed)
    said = [*facts, *chance.sample(facts, len(facts) // 2)]
    chance.shuffle(said)
    seen: dict[str, dict[str, bytes]] = {}
    versions = dict.fromkeys(SEASONS, 0)
    kept = 0
    while said:
        size = chance.randint(1, 5)
        batch, said = said[:size], said[size:]
        before = content(one)
        changed = chance.choice([one, other]).put(batch)
        kept += changed
        assert (changed > 0) == (content(other) != before)
        for season, version in versions.items():
            changes = one.changes(season, version)
            assert changes.version >= version
            assert changes.version > version or not changes.facts
            versions[season] = changes.version
            seen |= {match: dict(subjects) for match, subjects in changes.facts.items()}
    assert content(one) == content(other) == seen == expected(facts)
    assert one.seasons() == other.seasons() == sorted({fact.season for fact in facts})
    assert kept >= len({(fact.match, fact.subject) for fact in facts})
    assert one.put(list(facts)) == 0


def check_notes(one: FactStore, other: FactStore) -> None:
    """Progress and offsets never go back, whichever handle writes them; a note is what was written last."""
    one.put([_fact(SUBJECTS[0], 1, 0.0, 0)])
    assert other.progress("2425") == Progress(0, 0.0)
    one.note_progress("2425", Progress(3, 17.25))
    other.note_progress("2425", Progress(2, 99.5))
    assert one.progress("2425") == other.progress("2425") == Progress(3, 99.5)
    assert one.progress("2223") == Progress()
    one.note_offsets({("a.v1", 0): 12, ("b:c", 11): 9_007_199_254_740_993})
    other.note_offsets({("a.v1", 0): 9, ("a.v1", 1): 0})
    assert one.offsets() == {("a.v1", 0): 12, ("a.v1", 1): 0, ("b:c", 11): 9_007_199_254_740_993}
    other.forget_offsets([("a.v1", 0), ("a.v1", 7)])
    one.note_offsets({("a.v1", 0): 3})
    one.note_offsets({})
    assert other.offsets() == {("a.v1", 0): 3, ("a.v1", 1): 0, ("b:c", 11): 9_007_199_254_740_993}
    assert one.note("lake") == ""
    assert one.note("lake", "é") == other.note("lake") == "é"
    assert other.note("lake", "") == one.note("lake") == ""


def check_a_lost_store_goes_on_above(store: FactStore, lose: Callable[[], FactStore]) -> None:
    """Versions of facts that are put again after a loss are above those before: rows made of them count."""
    for said in range(5):
        store.put([_fact(SUBJECTS[0], said, 0.0, said)])
    before = store.changes("2425", 0).version
    eventually(lambda: time.time() * 1000 > before)  # versions are milliseconds, and several puts fit into one
    emptied = lose()
    assert emptied.changes("2425", 0) == (0, {})
    emptied.put([_fact(SUBJECTS[0], 0, 0.0, 0)])
    assert emptied.changes("2425", 0).version > before
