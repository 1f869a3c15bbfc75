"""Seeds: derived, handed out, and the use of the global generators is noticed."""

from __future__ import annotations

import random

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
