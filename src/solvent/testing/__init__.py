"""Contract suites for stores: what every metadata store, set of locks and artifact store must hold to.

Inherit a suite in a test class and give it a fixture that opens what is to be proved; pytest then runs every test of it:

    from solvent.testing import BlobsContract

    class TestMyStore(BlobsContract):
        @pytest.fixture
        def open_blobs(self, tmp_path):
            return lambda: MyStore(tmp_path)

`pytest.register_assert_rewrite("solvent.testing")` in a conftest.py shows the values of what failed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from solvent.testing.blobs import BlobsContract
    from solvent.testing.locks import LocksContract
    from solvent.testing.metadata import MetadataStoreContract

__all__ = ["BlobsContract", "LocksContract", "MetadataStoreContract"]

_HOMES = {
    "BlobsContract": "solvent.testing.blobs",
    "LocksContract": "solvent.testing.locks",
    "MetadataStoreContract": "solvent.testing.metadata",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
