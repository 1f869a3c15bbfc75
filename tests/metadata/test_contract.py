"""The public suites on our own stores and locks."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from solvent.metadata.advisory import AdvisoryLocks
from solvent.metadata.locks import ByteLocks
from solvent.metadata.opening import open_metadata
from solvent.metadata.store import MetadataStore
from solvent.model import Locks
from solvent.testing import LocksContract, MetadataStoreContract


class TestSqlite(MetadataStoreContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], MetadataStore]:
        return lambda: MetadataStore.open(tmp_path / "metadata.db")


@pytest.mark.slow
class TestPostgres(MetadataStoreContract):
    @pytest.fixture
    def open_store(self, postgres_url: str) -> Callable[[], MetadataStore]:
        return lambda: open_metadata("", postgres_url)


class TestByteLocks(LocksContract):
    @pytest.fixture
    def open_locks(self, tmp_path: Path) -> Callable[[], Locks]:
        return lambda: ByteLocks(tmp_path / "locks")

    @pytest.fixture
    def opening(self, tmp_path: Path) -> str:
        return f"from solvent.metadata.locks import ByteLocks; locks = ByteLocks({str(tmp_path / 'locks')!r})"


@pytest.mark.slow
class TestAdvisoryLocks(LocksContract):
    @pytest.fixture
    def open_locks(self, postgres_url: str) -> Iterator[Callable[[], Locks]]:
        yield lambda: AdvisoryLocks(postgres_url)
        AdvisoryLocks(postgres_url).close()

    @pytest.fixture
    def opening(self, postgres_url: str) -> str:
        return f"from solvent.metadata.advisory import AdvisoryLocks; locks = AdvisoryLocks({postgres_url!r})"
