"""A table of 1,000,000 x 20 handed from one step to the next; `python frame.py FILE` writes and reads it as Parquet."""

import os
import sys
import time

import numpy as np
import pandas as pd

from solvent import pipeline, step

ROWS = 1_000_000


def make_table(rows: int = ROWS) -> pd.DataFrame:
    """10 floats, 5 integers, 4 strings of 8 to 1,000,000 distinct values, 1 timestamp, some nulls."""
    rng = np.random.default_rng(7)
    columns: dict[str, object] = {}
    for number in range(10):
        floats = rng.standard_normal(rows).round(number + 2)
        floats[rng.random(rows) < number / 100] = np.nan
        columns[f"f{number}"] = floats
    for number in range(5):
        columns[f"i{number}"] = rng.integers(0, 10 ** (number + 1), rows)
    for distinct in (8, 2_000, 500_000, 1_000_000):
        words = pd.array([f"w{number:07d}" for number in range(distinct)], dtype="str")
        columns[f"s{distinct}"] = words.take(rng.integers(0, distinct, rows))
    columns["at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**8, rows), unit="s")
    return pd.DataFrame(columns)


def mark(name: str) -> None:
    if "BENCH_MARKS" in os.environ:
        with open(os.environ["BENCH_MARKS"], "a") as file:
            file.write(f"{name} {time.time()}\n")


@step
def make() -> pd.DataFrame:
    table = make_table()
    mark("made")
    return table


@step
def use(table: pd.DataFrame) -> int:
    mark("got")
    return len(table)


@pipeline
def frame() -> int:
    return use(make())


def plain(path: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(make_table())
    before = time.process_time()
    pq.write_table(table, path, compression="zstd")
    pq.read_table(path).to_pandas()
    print(time.process_time() - before)


if __name__ == "__main__":
    plain(sys.argv[1])
