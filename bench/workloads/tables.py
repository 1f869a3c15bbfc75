"""A small table, from one step: what a profile adds to a run."""

import pandas as pd

from solvent import pipeline, step


@step
def make() -> pd.DataFrame:
    return pd.DataFrame({"x": range(10), "share": [0.5] * 10, "word": ["a", "b"] * 5})


@pipeline
def small() -> pd.DataFrame:
    return make()
