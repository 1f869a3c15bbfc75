"""Requests of one row that come together are answered together, each as if it were alone."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from solvent.serving.batching import Batcher, answer_together, join, part
from solvent.serving.exchange import Gone, Refusal
from solvent.serving.model import Model
from tests.serving.apps import Client, run, tiny_app, tiny_model


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return tiny_model(tmp_path / "bundle")


def rows(*areas: float) -> list[dict[str, Any]]:
    return [{"records": [{"area": area, "rooms": 1}]} for area in areas]


def test_answers_are_those_of_requests_alone_and_the_steps_ran_once(model: Model) -> None:
    app = tiny_app(model, batch_rows=4, batch_ms=10_000)

    async def together() -> list[Any]:
        client = Client(app)
        return await asyncio.gather(*(client.ask("POST", "/predict", each) for each in rows(1, 2, 3, 4)))

    answers = run(together())
    assert [each.body["predictions"] for each in answers] == [[3.0], [5.0], [7.0], [9.0]]
    assert len({each.body["id"] for each in answers}) == 4
    assert model.step_calls == 1


def test_the_first_waits_no_longer_than_it_was_told(model: Model) -> None:
    answer = Client(tiny_app(model, batch_rows=100, batch_ms=1)).post("/predict", rows(5)[0])
    assert answer.body["predictions"] == [11.0]


def test_one_that_fails_and_one_that_can_not_be_read_fail_no_other(model: Model) -> None:
    app = tiny_app(model, batch_rows=3, batch_ms=10_000)

    async def together() -> list[Any]:
        client = Client(app)
        asked = [*rows(1, -1), {"records": [{"area": "much", "rooms": 1}]}, *rows(3)]
        return await asyncio.gather(*(client.ask("POST", "/predict", each) for each in asked))

    answers = run(together())
    assert [each.status for each in answers] == [200, 500, 422, 200]
    assert answers[1].body["problems"][0]["step"] == "price"
    assert answers[3].body["predictions"] == [7.0]


def test_a_full_queue_is_told_to_all_of_a_batch_and_one_that_is_gone_is_dropped(model: Model) -> None:
    async def full(call: Any) -> Any:
        raise Refusal(429, "too many")

    async def now(call: Any) -> Any:
        return call()

    async def ask(run: Any) -> list[Any]:
        batcher = Batcher(model, 2, 60, run)
        one = np.array([[1.0, 1.0]])
        return await asyncio.gather(
            batcher.answer(one, lambda: False), batcher.answer(one, lambda: True), return_exceptions=True
        )

    refused, gone = run(ask(full))
    assert (type(refused), refused.status, type(gone)) == (Refusal, 429, Gone)
    answered, gone = run(ask(now))
    assert (answered.tolist(), type(gone)) == ([3.0], Gone)


def test_rows_that_give_another_number_of_rows_together_are_answered_alone() -> None:
    assert answer_together(lambda values: values[:1], [[1], [2]]) == [[1], [2]]


@pytest.mark.slow
def test_every_kind_of_table_is_joined_and_divided_again() -> None:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    frame = pd.DataFrame({"a": [1], "b": pd.Categorical(["x"], categories=["x", "y"])})
    joined = join([frame, frame])
    assert joined.dtypes.equals(frame.dtypes)
    pd.testing.assert_frame_equal(part(joined, 1), frame)
    polars = pl.DataFrame({"a": [1]})
    assert part(join([polars, polars]), 1).equals(polars)
    arrow = pa.table({"a": [1]})
    assert part(join([arrow, arrow]), 1).equals(arrow)
    assert part(join([[1], [2]]), 1) == [2]
    with pytest.raises(TypeError, match="can't be joined"):
        join(["a", "b"])
