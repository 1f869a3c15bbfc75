import pytest

from solvent.serving.warmup import _alike


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (3.2, None, False),
        (None, 5.0, False),
        (None, float("nan"), True),
        ([0.1, 0.9], [0.9, 0.1], False),
        ([0.1, 0.9], [0.1, 0.9 + 1e-12], True),
        ([0.1], [0.1, 0.2], False),
        (1.0, 1.0 + 1e-12, True),
        ("a", "b", False),
        (2, 2, True),
    ],
)
def test_only_equal_answers_are_alike(one: object, other: object, same: bool) -> None:
    assert _alike(one, other, 1e-9) is same
