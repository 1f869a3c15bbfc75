"""One artifact of a given size, alone: for bench/durability.py."""

import random

from solvent import pipeline, step


@step
def make(size: int) -> bytes:
    """Bytes that do not compress, made about as fast as a disk reads them."""
    return random.Random(size).randbytes(size)


@pipeline
def bulk(size: int = 20_000) -> bytes:
    return make(size)


@step
def make_table(size: int) -> object:
    """A table of ten columns of random numbers."""
    import numpy as np
    import pandas as pd

    drawn = np.random.default_rng(0)
    return pd.DataFrame({f"c{number}": drawn.random(size // 80) for number in range(10)})


@pipeline
def frame(size: int = 100_000_000) -> object:
    return make_table(size)
