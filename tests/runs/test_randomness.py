"""Seeds: derived, handed out, and the use of the global generators is noticed."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np

from solvent.runs.randomness import Seeding, step_seed


def test_a_seed_depends_on_the_run_seed_and_the_key_alone() -> None:
    assert step_seed(0, "a") == step_seed(0, "a")
    assert len({step_seed(0, "a"), step_seed(1, "a"), step_seed(0, "b")}) == 3
    assert 0 <= step_seed(0, "a") < 2**63


def test_generators_draw_the_same_under_the_same_seed_and_are_given_back_as_they_were() -> None:
    random.seed(5)
    np.random.seed(5)
    expected = (random.Random(5).random(), np.random.RandomState(5).rand())
    drawn = []
    for _ in range(2):
        with Seeding(3, restore=True) as seeding:
            drawn.append((random.random(), np.random.rand()))
        assert seeding.moved
    assert drawn[0] == drawn[1]
    assert (random.random(), np.random.rand()) == expected


def test_a_step_that_draws_nothing_is_seen_to_draw_nothing() -> None:
    with Seeding(3, restore=True) as seeding:
        np.random.default_rng(1).random()
    assert not seeding.moved


def test_a_generator_that_is_seeded_anew_counts_as_moved() -> None:
    with Seeding(3, restore=True) as seeding:
        random.random()
        random.seed(1)
    assert seeding.moved


def test_half_of_a_pair_of_normal_numbers_counts_as_moved() -> None:
    with Seeding(3, restore=True):
        first = random.gauss(0, 1)
    random.seed(8)
    random.gauss(0, 1)
    with Seeding(3, restore=True):
        assert random.gauss(0, 1) == first
    expected = random.Random(8)
    expected.gauss(0, 1)
    assert random.gauss(0, 1) == expected.gauss(0, 1)


PROGRAM = """
import random, sys
from solvent.runs.randomness import Seeding

def draw():
    import numpy
    return float(numpy.random.rand())

with Seeding(3, restore=True) as first:
    one = draw()
with Seeding(3, restore=True) as second:
    other = draw()
with Seeding(3, restore=True) as third:
    import numpy
print(one == other, first.moved, second.moved, third.moved, draw() != one)
"""


def test_numpy_is_seeded_also_when_the_step_loads_it_itself() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "True", "True", "False", "True"]
