"""The profile of data that comes in batches, in one pass and in bounded memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from solvent.profiles.records import Profile

if TYPE_CHECKING:
    import pyarrow


def profile_batches(
    batches: Iterable[pyarrow.RecordBatch], *, digests: Mapping[str, str] | None = None, sensitive: Collection[str] = ()
) -> Profile:
    """Give the profile of record batches of one schema, read once; memory does not grow with the rows."""
    import pyarrow as pa

    from solvent.profiles.make import make_profile

    return make_profile(pa.Table.from_batches(batches), digests=digests, sensitive=sensitive)
