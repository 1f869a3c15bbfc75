"""Arrays come back with dtype, shape, order and mask, without pickle unless they hold Python objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from solvent.artifacts.saving import load, save
from solvent.artifacts.store import LocalBlobs
from solvent.errors import FormatError
from solvent.fingerprint.values import identify
from tests.artifacts.sameness import assert_same, round_trip

ARRAYS: dict[str, Any] = {
    "plain": np.arange(6).reshape(2, 3),
    "fortran order": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "a view with steps": np.arange(200.0).reshape(20, 10)[::2, ::-1],
    "one value": np.array(3),
    "nothing": np.empty((0, 3)),
    "bools": np.array([True, False]),
    "nan": np.array([np.nan, np.inf, -0.0]),
    "half": np.array([1.5, 2], "float16"),
    "long double": np.array([1, 2], np.longdouble),
    "complex": np.array([1 + 2j, np.nan]),
    "big endian": np.arange(3, dtype=">i4"),
    "fields": np.array([(1, "a", [1, 2])], dtype=[("x", "i4"), ("é", "U3"), ("v", "f8", 2)]),
    "moments": np.array(["2020", "NaT"], "M8[D]"),
    "spans": np.array([1, 2], "m8[ns]"),
    "words": np.array(["a", "éé"]),
    "bytes": np.array([b"a", b"bc"]),
    "large": np.random.default_rng(0).random((300, 100)),
    "records": np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    "masked": np.ma.MaskedArray([1, 2, 3], mask=[0, 1, 0], fill_value=7),
    "masked, nothing masked": np.ma.MaskedArray([1.5, 2.5]),
    "masked, hard": np.ma.MaskedArray([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]], hard_mask=True),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_comes_back_equal(name: str, blobs: LocalBlobs) -> None:
    again, ref = round_trip(ARRAYS[name], blobs)
    assert ref.format == "npy"
    assert again.flags.f_contiguous == np.asarray(ARRAYS[name]).flags.f_contiguous


@pytest.mark.parametrize(
    "array", [np.array([1, "a", None], dtype=object), np.array(["a", "b"], np.dtypes.StringDType())]
)
def test_an_array_of_objects_is_pickled_and_marked(array: Any, blobs: LocalBlobs) -> None:
    ref = save(array, identify(1), blobs)
    assert ref.pickled
    assert "Python objects" in ref.meta["reason"]
    assert_same(array, load(ref, blobs))
    with pytest.raises(FormatError, match="only pickle can store"):
        save(array, identify(1), blobs, allow_pickle=False)


@pytest.mark.parametrize("kind", ["csr_matrix", "csc_array", "coo_array", "dia_matrix", "bsr_array"])
def test_a_sparse_matrix_comes_back_equal(kind: str, blobs: LocalBlobs) -> None:
    value = getattr(sparse, kind)(np.eye(3))
    ref = save(value, identify(value), blobs)
    again = load(ref, blobs)
    assert ref.format == "sparse"
    assert type(again) is type(value)
    assert (again != value).nnz == 0
