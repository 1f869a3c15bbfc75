"""Arrays are their numbers: layout, padding and masked values make no difference; type and shape do."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

from solvent.errors import IdentityError
from solvent.fingerprint.values import identify

BASE = np.arange(24).reshape(2, 3, 4)
ALIGNED = np.dtype([("a", "i1"), ("b", "f8")], align=True)


@given(numpy_st.arrays(numpy_st.scalar_dtypes(), numpy_st.array_shapes(max_dims=3, max_side=4)))
def test_an_array_is_the_same_however_it_lies_in_memory(array: Any) -> None:
    expected = identify(array)
    assert identify(np.asfortranarray(array)) == expected
    assert identify(array[::-1][::-1]) == expected
    sparse_in_memory = np.empty((*array.shape, 2), dtype=array.dtype)
    sparse_in_memory[..., 0] = array
    assert identify(sparse_in_memory[..., 0]) == expected
    assert identify(array.T) == identify(np.ascontiguousarray(array.T))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.zeros(2), np.zeros((2, 1))),
        (np.zeros((0, 3)), np.zeros((3, 0))),
        (np.zeros(2), np.zeros(2, "f4")),
        (np.zeros(2), np.zeros(2, ">f8")),
        (np.array(5), np.array([5])),
        (np.array(5), np.int64(5)),
        (np.int64(5), np.int32(5)),
        (np.int64(5), 5),
        (np.str_("a"), "a"),
        (np.array(["2024"], "M8[D]"), np.array(["2024"], "M8[s]")),
        (np.zeros(2, [("a", "i4")]), np.zeros(2, [("b", "i4")])),
        (np.array([[1, 2]], dtype=object), np.array([[1], [2]], dtype=object)),
        (np.add, np.subtract),
        (np.random.default_rng(1), np.random.default_rng(2)),
        (np.matrix([[1]]), np.array([[1]])),
        (np.ma.masked_array([1, 2], [0, 1]), np.ma.masked_array([1, 2], [0, 0])),
        (np.dtype("f4"), np.dtype("f8")),
    ],
)
def test_these_differ(one: Any, other: Any) -> None:
    assert identify(one)[:2] != identify(other)[:2]
    assert identify(copy.deepcopy(one)) == identify(one)


def test_bytes_between_fields_and_in_long_doubles_do_not_count() -> None:
    one = np.frombuffer(bytes(range(16)) * 2, ALIGNED).copy()
    other = one.copy()
    other.view("u1").reshape(2, 16)[:, 1:8] = 0
    assert identify(one) == identify(other)
    if np.finfo(np.longdouble).nmant == 63:
        long, padded = np.ones(3, np.longdouble), np.ones(3, np.longdouble)
        padded.view("u1").reshape(3, -1)[:, 10:] = 7
        assert identify(long) == identify(padded)


def test_what_a_mask_hides_does_not_count() -> None:
    one, other = (np.ma.masked_array([1, hidden, 3], [0, 1, 0]) for hidden in (2, 99))
    assert identify(one) == identify(other)


def test_a_mapped_file_is_an_array_like_any_other(tmp_path: Any) -> None:
    np.save(tmp_path / "a.npy", BASE)
    assert identify(np.load(tmp_path / "a.npy", mmap_mode="r")) == identify(BASE)


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "bsr", "lil", "dok", "dia"])
def test_sparse_matrices_count_by_what_they_hold(kind: str) -> None:
    matrix = sparse.random(8, 8, 0.3, format=kind, random_state=1)
    assert identify(matrix.copy()) == identify(matrix)
    changed = matrix.tolil(copy=True)
    changed[0, 0] = 77
    assert identify(changed.asformat(kind)).digest != identify(matrix).digest
    assert identify(sparse.coo_array(matrix).asformat(kind))[:2] != identify(matrix)[:2]


def test_the_element_of_an_array_that_is_refused_is_named() -> None:
    array = np.empty((2, 2), dtype=object)
    array[1, 0] = lambda: 1
    with pytest.raises(IdentityError, match=r"given\[1, 0\]: a lambda"):
        identify(array, path="given")


@given(st.lists(st.integers(-5, 5) | st.text(max_size=2), max_size=5))
def test_arrays_of_objects_count_by_their_elements(values: list[Any]) -> None:
    one, other = (np.array([*values, None], dtype=object) for _ in range(2))
    assert identify(one) == identify(other)
    assert identify(np.array([*values, 7.5], dtype=object)).digest != identify(one).digest
