"""A dataset of 50 columns, a version for each value of `shift`, to make pages of."""

import numpy as np
import pandas as pd

from solvent import pipeline, step


@step(dataset="wide")
def make(shift: int) -> pd.DataFrame:
    rng = np.random.default_rng(shift)
    words = np.array([f"category {number}" for number in range(40)])
    numbers = {f"number_{at}": rng.normal(shift / 10, at + 1, 20_000) for at in range(30)}
    return pd.DataFrame({**numbers, **{f"text_{at}": rng.choice(words, 20_000) for at in range(20)}})


@pipeline
def wide(shift: int = 0) -> pd.DataFrame:
    return make(shift)
