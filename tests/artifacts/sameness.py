"""What it means that a value came back: the same type and an equal value, by the strictest words its library has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from solvent.artifacts.saving import load, save
from solvent.artifacts.store import LocalBlobs
from solvent.fingerprint.values import identify
from solvent.model import ArtifactRef


def round_trip(value: Any, blobs: LocalBlobs) -> tuple[Any, ArtifactRef]:
    """Save and load a value, and check that it is the same again."""
    identity = identify(value)
    ref = save(value, identity, blobs)
    again = load(ref, blobs)
    assert_same(value, again)
    assert identify(again)[:2] == identity[:2]
    return again, ref


def assert_same(value: Any, again: Any) -> None:
    assert type(again) is type(value)
    if isinstance(value, pd.DataFrame):
        pd.testing.assert_frame_equal(value, again, check_exact=True)
        assert list(map(type, value.columns)) == list(map(type, again.columns))
        assert (again.attrs, again.flags) == (value.attrs, value.flags)
    elif isinstance(value, pd.Series):
        pd.testing.assert_series_equal(value, again, check_exact=True)
    elif isinstance(value, pd.Index):
        pd.testing.assert_index_equal(value, again, exact=True, check_exact=True)
        assert getattr(again, "freq", None) == getattr(value, "freq", None)
    elif isinstance(value, (pl.DataFrame, pl.Series)):
        assert getattr(value, "schema", None) == getattr(again, "schema", None)
        assert value.equals(again)
    elif isinstance(value, pa.Table):
        assert value.schema.equals(again.schema, check_metadata=True)
        assert value.num_rows == again.num_rows
        assert repr([column.to_pylist() for column in value.columns]) == repr(
            [column.to_pylist() for column in again.columns]
        )
    elif isinstance(value, (pa.Array, pa.ChunkedArray, pa.RecordBatch, pa.Schema)):
        assert value.equals(again)
    elif isinstance(value, np.ma.MaskedArray):
        assert_same(value.data, again.data)
        assert_same(np.ma.getmaskarray(value), np.ma.getmaskarray(again))
        assert value.fill_value == again.fill_value
    elif isinstance(value, np.ndarray):
        assert (again.dtype, again.shape) == (value.dtype, value.shape)
        np.testing.assert_array_equal(again, value)
        assert again.flags.writeable
    else:
        assert repr(again) == repr(value)
