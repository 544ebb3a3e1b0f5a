"""Requests that come at once share a run of the model, and nothing else."""

import asyncio
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from serving.batching import MAX_SHARED_ROWS, MicroBatcher
from serving.model import Matrix, Model, load
from serving.protocol.errors import Unavailable
from tests.serving.conftest import probabilities


class Counted(Model):
    """A model that notes how many rows each run had, and refuses those that begin with 666."""

    def predict(self, features: Matrix) -> Matrix:
        RUNS.append(len(features))
        if (features[:, 0] == 666).any():
            raise Unavailable("no finite answer")
        return super().predict(features)


RUNS: list[int] = []


@pytest.fixture
def model(bundle: Path) -> Model:
    RUNS.clear()
    loaded = load(bundle)
    counted = Counted(**{field.name: getattr(loaded, field.name) for field in dataclasses.fields(loaded)})
    RUNS.clear()
    return counted


def rows(count: int, seed: int) -> Matrix:
    return np.random.default_rng(seed).normal(size=(count, 6)).astype(np.float32)


async def together(batch: MicroBatcher, requests: list[Matrix]) -> list[Matrix | BaseException]:
    return await asyncio.gather(*(batch.predict(each) for each in requests), return_exceptions=True)


def test_requests_of_one_turn_share_a_run_and_get_their_own_rows(model: Model) -> None:
    requests = [rows(count, count) for count in (1, 3, 1, 2)]
    answers = asyncio.run(together(MicroBatcher(model), requests))
    assert RUNS == [7]
    for request, answer in zip(requests, answers, strict=True):
        assert np.allclose(answer, probabilities(request), atol=1e-6)


def test_a_row_without_an_answer_fails_alone(model: Model) -> None:
    bad = rows(1, 9)
    bad[0, 0] = 666
    first, second, third = asyncio.run(together(MicroBatcher(model), [rows(1, 1), bad, rows(2, 2)]))
    assert isinstance(second, Unavailable)
    assert np.allclose(first, probabilities(rows(1, 1)), atol=1e-6)
    assert np.allclose(third, probabilities(rows(2, 2)), atol=1e-6)


def test_large_requests_run_alone_and_a_cancelled_one_is_not_answered(model: Model) -> None:
    async def leave() -> None:
        batch = MicroBatcher(model)
        gone = asyncio.create_task(batch.predict(rows(1, 1)))
        await asyncio.sleep(0)
        gone.cancel()
        answers = await together(batch, [rows(MAX_SHARED_ROWS + 1, 2), rows(1, 3)])
        assert gone.cancelled() or gone.cancelling()
        assert [len(answer) for answer in answers if not isinstance(answer, BaseException)] == [MAX_SHARED_ROWS + 1, 1]

    asyncio.run(leave())
    assert MAX_SHARED_ROWS + 1 in RUNS
