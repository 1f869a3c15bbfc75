"""A pipeline of tables: its datasets have profiles."""

import pandas as pd

from solvent import pipeline, step


@step(dataset="flights")
def load() -> pd.DataFrame:
    return pd.DataFrame({"delay": [1.5, None, 3.0], "carrier": ["AA", "UA", "AA"]})


@step
def count(flights: pd.DataFrame) -> int:
    return len(flights)


@pipeline
def tables() -> int:
    return count(load())
