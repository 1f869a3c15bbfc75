"""Digests never change by accident: these are written down, and a change of one is a decision."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from solvent.fingerprint.structure import SCALARS, digest, digest_mapping


def test_digests_of_scalars_are_those_written_down() -> None:
    values: list[object] = [None, 1, True, 1.0, "1", b"1", 1j]
    written = [
        "db0513043f220531edc0177a12a1fd5fb3d6bf16312cb01f9641a44a37396ee3",
        "7edcc8b21b30e56f10d39349768d330009297ede7de90294ae3fe3277192f926",
        "ad289636f6ba0a8b2463e05433ed1e5964ea10b53e3d39e5bdaa8ad7cc5626db",
        "4c674db9b76f6a81474ea450553d34d13b10e984d730659061a9bf6908c7d4ed",
        "d3dd965a074ebe94190a5cae3b46149047e18b933f6ce20cbf2a2663ea3cc5d1",
        "2ec8789c44c072e33e3dc67ea51cb7e139530fdcedfa250e0560047646d926b5",
        "4bdbf1bab2f96178bc1aa51ce9e2092d505f5495c67baeac304fc5bc7d510edd",
    ]
    assert [SCALARS[type(value)][0](value) for value in values] == written


@given(st.lists(st.text() | st.binary(), max_size=4), st.lists(st.text() | st.binary(), max_size=4))
def test_other_parts_give_another_digest(one: list[str | bytes], other: list[str | bytes]) -> None:
    assert (digest("t", *one) == digest("t", *other)) == (one == other)


def test_tag_kind_and_borders_of_parts_count() -> None:
    found = [
        digest("a", "bc"),
        digest("ab", "c"),
        digest("a", "b", "c"),
        digest("a", b"bc"),
        digest("a"),
        digest("a", ""),
    ]
    assert len(set(found)) == len(found)


@given(st.integers() | st.floats() | st.text() | st.binary())
def test_the_quick_ways_for_scalars_agree_with_the_general_one(value: int | float | str | bytes) -> None:
    if isinstance(value, str):
        assert SCALARS[str][0](value) == digest("str", value)
    elif isinstance(value, bytes):
        assert SCALARS[bytes][0](value) == digest("bytes", value)
    elif isinstance(value, int):
        assert SCALARS[int][0](value) == digest("int", b"%x" % value)


def test_large_integers_and_lone_surrogates_have_a_digest() -> None:
    assert SCALARS[int][0](10**10_000) != SCALARS[int][0](10**10_000 + 1)
    assert SCALARS[str][0]("\ud800") != SCALARS[str][0]("\ud801")


def test_the_order_of_a_mapping_makes_no_difference() -> None:
    assert digest_mapping("m", [("a", "1"), ("b", "2")]) == digest_mapping("m", [("b", "2"), ("a", "1")])
    assert digest_mapping("m", [("a", "2"), ("b", "1")]) != digest_mapping("m", [("a", "1"), ("b", "2")])
