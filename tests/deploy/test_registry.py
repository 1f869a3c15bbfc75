"""Where a rollback leads."""

import pytest

from solvent.deploy.registry import check_alias, rollback_target
from solvent.errors import NotFoundError
from solvent.metadata.models import AliasMove

MOVES = {
    "nowhere before the first move": ("", None),
    "nowhere from the first version": ("1", None),
    "to the version before": ("1 2", 1),
    "one further after a rollback": ("1 2 3 <2", 1),
    "nowhere when all was taken back": ("1 2 3 <2 <1", None),
    "to where it was when it went forth again": ("1 2 3 <2 4", 2),
    "not over a version that was taken back and came again": ("1 2 <1 2", 1),
    "past nothing when the same version was deployed twice": ("1 2 2", 1),
}


@pytest.mark.parametrize("way", MOVES)
def test_a_rollback_leads(way: str) -> None:
    words, expected = MOVES[way]
    moves = [
        AliasMove(at, "champion", None, int(word.lstrip("<")), "rollback" if "<" in word else "deploy", "", "ann", 1.0)
        for at, word in enumerate(words.split())
    ]
    assert rollback_target(moves) == expected


@pytest.mark.parametrize("name", ["latest", "", "3", "a b", "a@b", "-x"])
def test_an_alias_that_would_be_read_as_something_else_is_refused(name: str) -> None:
    with pytest.raises(NotFoundError, match="can't be an alias"):
        check_alias(name)
