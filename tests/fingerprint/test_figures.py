"""A figure is what it looks like, however often one looks."""

from __future__ import annotations

import io
from typing import Any

import pytest
from matplotlib.figure import Figure

from solvent.errors import IdentityError
from solvent.fingerprint.values import identify


def draw(*values: float) -> Any:
    figure = Figure()
    figure.subplots().plot(values, label="a")
    return figure


def test_figures_that_look_alike_are_equal_and_looking_is_no_change() -> None:
    figure = draw(1, 2, 3)
    before = identify(figure)
    figure.savefig(io.BytesIO(), format="png")
    assert identify(figure) == before == identify(draw(1, 2, 3))
    assert identify(draw(1, 2, 4)).digest != before.digest


def test_a_part_of_a_figure_is_refused() -> None:
    with pytest.raises(IdentityError, match="a part of a figure"):
        identify(draw(1, 2).axes[0])
