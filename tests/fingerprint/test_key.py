"""The cache key: every part counts, the order of names does not, and its bytes are kept by a golden file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from solvent.fingerprint.key import Argument, KeyParts, cache_key

PARTS = KeyParts(
    step="fit",
    code="c" * 64,
    arguments={"depth": Argument("1" * 64, "builtins:int", "3"), "train": Argument("2" * 64, "pandas:DataFrame")},
    externals={"data/x.csv": "3" * 64},
    environment={"python": "3.11", "pandas": "3.1.1"},
    salt=None,
)
GOLDEN = Path(__file__).parent / "golden" / "keys.json"


def test_a_key_is_what_it_always_was() -> None:
    checks = {'unique("id")': ("4" * 64, 'unique("id")')}
    found = {
        "plain": cache_key(PARTS)[0],
        "salted": cache_key(PARTS._replace(salt="s"))[0],
        "checked": cache_key(PARTS._replace(checks=checks))[0],
    }
    assert found == json.loads(GOLDEN.read_text()), "a change of the key is a decision: raise KEY_VERSION and say why"


@pytest.mark.parametrize(
    "change",
    [
        {"step": "fit2"},
        {"code": "d" * 64},
        {"arguments": {**PARTS.arguments, "depth": Argument("4" * 64, "builtins:int", "3")}},
        {"arguments": {**PARTS.arguments, "depth": Argument("1" * 64, "builtins:float", "3")}},
        {"arguments": {"depth": PARTS.arguments["depth"]}},
        {"externals": {"data/y.csv": "3" * 64}},
        {"externals": {}},
        {"environment": {"python": "3.12", "pandas": "3.1.1"}},
        {"salt": ""},
        {"checks": {"unique": ("4" * 64, "unique()")}},
    ],
)
def test_every_part_counts(change: dict[str, object]) -> None:
    assert cache_key(PARTS._replace(**change))[0] != cache_key(PARTS)[0]


def test_what_people_are_shown_and_the_order_of_names_do_not_count() -> None:
    shown = {"train": PARTS.arguments["train"], "depth": PARTS.arguments["depth"]._replace(text="three")}
    assert cache_key(PARTS._replace(arguments=shown))[0] == cache_key(PARTS)[0]


def test_checks_count_by_what_they_are_of_and_a_salt_is_never_taken_for_them() -> None:
    one, other, same = (
        PARTS._replace(checks={place: (content * 64, text)})
        for place, content, text in (("a", "4", "a(1)"), ("a", "5", "a(1)"), ("a", "4", "a(2)"))
    )
    assert cache_key(one)[0] != cache_key(other)[0]
    assert cache_key(one)[0] == cache_key(same)[0]
    assert cache_key(PARTS._replace(salt="checks"))[0] != cache_key(one)[0]
    assert "checks" not in cache_key(PARTS)[1]
