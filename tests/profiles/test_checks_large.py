"""The cost of checks of 1,000,000 rows, next to writing the table."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from solvent.checks import between, matches, not_null, one_of, row_count, unique
from solvent.profiles.checks import evaluate
from tests.soak import record

ROWS = 1_000_000
CHECKS = [
    not_null(),
    unique("id"),
    unique("word", "id"),
    between("delay", -10, 10),
    one_of("carrier", ["AA", "UA", "DL"]),
    matches("word", r"w\d+"),
    row_count(at_least=ROWS),
]


def cpu(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


@pytest.mark.soak
@pytest.mark.parametrize("library", ["arrow", "pandas", "polars"])
def test_checks_of_a_million_rows_cost_less_than_writing_them(library: str) -> None:
    generator = np.random.default_rng(0)
    table = pa.table(
        {
            "id": generator.permutation(ROWS),
            "delay": generator.standard_normal(ROWS),
            "word": pa.array([f"w{number}" for number in range(ROWS)]),
            "carrier": pa.array(np.array(["AA", "UA", "DL"], dtype=object)[generator.integers(0, 3, ROWS)]),
        }
    )
    written = min(cpu(lambda: pq.write_table(table, io.BytesIO(), compression="zstd")) for _ in range(3))
    value: Any = table if library == "arrow" else table.to_pandas() if library == "pandas" else pl.from_arrow(table)
    assert isinstance(value, pa.Table | pd.DataFrame | pl.DataFrame)
    for check in CHECKS:
        assert evaluate(check, value).result.status == "passed"
        took = min(cpu(lambda check=check: evaluate(check, value)) for _ in range(3))
        record(
            f"check {check} of {ROWS:,} rows, {library}", f"{took * 1000:.0f} ms of CPU, write {written * 1000:.0f} ms"
        )
        assert took < max(2 * written, 0.5)
