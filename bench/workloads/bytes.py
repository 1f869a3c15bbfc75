"""One step that gives back so many bytes, which no compression makes fewer."""

import random

from solvent import pipeline, step


@step
def make(count: int) -> bytes:
    return random.Random(count).randbytes(count)


@pipeline
def one(count: int = 20_000) -> bytes:
    return make(count)
