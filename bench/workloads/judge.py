"""Evaluate 100,000 predictions of two classes: `python judge.py RESAMPLES [ROWS]`."""

import sys

import numpy as np

from solvent.steps import evaluate

rows = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
random = np.random.default_rng(0)
truth = random.random(rows) < 0.2
odds = random.normal(size=rows) + 1.2 * truth - 1.5
evaluate(truth, 1 / (1 + np.exp(-odds)), resamples=int(sys.argv[1]))
