"""From a table or an array to its profile."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

from solvent.profiles.records import ColumnProfile, Profile


def make_profile(value: Any, *, digests: Mapping[str, str] | None = None, sensitive: Collection[str] = ()) -> Profile:
    """Give the profile of a pandas, polars or Arrow table or series, or of a NumPy array of one or two dimensions.

    `digests` are those of the columns' contents. Columns whose names match one of `sensitive` (as in a shell: `ssn*`) tell
    no values. A column that can't be profiled says why in its `problem`.
    """
    import pyarrow as pa

    began = time.perf_counter()
    table = value if isinstance(value, pa.Table) else pa.table(value)
    columns = tuple(
        ColumnProfile(
            name, str(table.schema.field(at).type), "other", "other", table.num_rows, table.column(at).null_count
        )
        for at, name in enumerate(table.column_names)
    )
    return Profile(
        table.num_rows, columns, table.nbytes, shape=table.shape, method="pyarrow", seconds=time.perf_counter() - began
    )
