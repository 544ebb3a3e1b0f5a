"""An update that is killed at any write: the next one finishes it.

In the suite at some of the writes, spread over all of them; `KILLS=all` takes every one, in minutes.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pandas as pd
import pytest

from matchday import history
from matchday.collected.publication import RECEIPT
from matchday.collected.quarantine import Quarantine
from matchday.collected.store import TABLES, ObservationStore
from matchday.lake import Lake
from matchday.storage import Storage
from matchday.tables import Appearances, Availability, Fixtures, Matches, Players, Teams
from tests.matchday.collected.machine import Machine, game, unreadable
from tests.matchday.collected.observations import SATURDAY, appearance, match, player

STANDARD = (Teams, Fixtures, Matches, Appearances, Players, Availability)
WRITES = ("write", "replace_if", "delete")


class Killed(BaseException):
    """The process has ended."""


@contextmanager
def dying(survived: int) -> Iterator[list[int]]:
    """Every storage of a process that is killed before its n-th write. Gives how many writes are left to it."""
    left = [survived]
    with pytest.MonkeyPatch.context() as patch:
        for name in WRITES:
            patch.setattr(Storage, name, mortal(getattr(Storage, name), left))
        yield left


def mortal(method, left):
    def call(*arguments):
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return method(*arguments)

    return call


def before() -> dict[str, object]:
    return {"fpl": game(1, match(1), match(1, "LIV-ARS"), people=[player(1)])}


def after() -> dict[str, object]:
    late = SATURDAY + timedelta(days=90)
    wrong = match(30, "MCI-BOU", score=(1, 1), kickoff=late)
    rows = (match(30, score=(2, 0)), match(30, "LIV-ARS", kickoff=late), wrong)
    people = [player(30, price=60), player(30, 8)]
    played = [appearance(30, goals=2), appearance(30, 8)]
    return {"fpl": game(30, *rows, people=people, clubs=("ARS", "LIV", "ZZZ"), played=played, refused=[unreadable()])}


def state(machine: Machine) -> dict[str, pd.DataFrame]:
    """Everything that was collected, and what was made of it."""
    store, lake = ObservationStore(machine.url), Lake(machine.lake.storage.url)
    observed = {table.__name__: store.read(table) for table in TABLES}
    refused = Quarantine(store.lake).rows().drop(columns="known_at")
    return {**observed, "refused": refused, **{table.__name__: lake.read(table) for table in STANDARD}}


def check_same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    for name, frame in one.items():
        pd.testing.assert_frame_equal(frame, other[name], obj=name)


def check_whole(found: dict[str, pd.DataFrame], former: dict[str, pd.DataFrame], new: dict[str, pd.DataFrame]) -> None:
    """Each table is the former or the new one; the quarantine is written twice in an update, so it may be between."""
    for name in found.keys() - {"refused"}:
        assert found[name].equals(former[name]) or found[name].equals(new[name]), name


KILLS = 5
"""In each of the two tests."""


def instants(writes: int) -> list[int]:
    """After how many writes an update is killed: before the first, before the last, and between."""
    if os.environ.get("KILLS") == "all":
        return list(range(writes))
    return sorted({number * (writes - 1) // (KILLS - 1) for number in range(KILLS)})


@pytest.mark.parametrize("updates", ["the first", "a later"])
def test_an_update_killed_at_any_write_is_finished_by_the_next(tmp_path, small_snapshot, updates):
    """Until then readers see each table as it was or as it will be."""
    base, calm, former = tmp_path / "base", Machine(tmp_path / "calm", small_snapshot), {}
    base.mkdir()
    if updates == "a later":
        calm.update(2, **before())
        shutil.copytree(tmp_path / "calm", base, dirs_exist_ok=True)
        former = state(calm)
    with dying(1000) as left:
        calm.update(31, **after())
    writes, expected = 1000 - left[0], state(calm)
    assert writes > 30
    for survived in instants(writes):
        folder = tmp_path / f"killed at {survived}"
        shutil.copytree(base, folder)
        doomed = Machine(folder, small_snapshot)
        with pytest.raises(Killed), dying(survived):
            doomed.update(31, **after())
        if former:
            check_whole(state(doomed), former, expected)
        Machine(folder, small_snapshot).update(31.5, **after())
        check_same(expected, state(doomed))
        assert history.receipt(doomed.lake, RECEIPT) == history.receipt(calm.lake, RECEIPT)
        shutil.rmtree(folder)
