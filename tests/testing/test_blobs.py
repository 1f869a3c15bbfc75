"""The contract of artifact stores, held by the local folder and by object stores on two servers."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from solvent.artifacts.addresses import Address, parse_address
from solvent.artifacts.objects import ObjectBlobs
from solvent.artifacts.presence import key_of
from solvent.artifacts.remote import Remote
from solvent.artifacts.store import LocalBlobs
from solvent.model import Blob, Blobs
from solvent.testing import BlobsContract
from tests.object_servers import TEAM, Server, moto, seaweed

pytestmark = pytest.mark.slow
_numbers = count()


class TestLocalFolder(BlobsContract):
    @pytest.fixture
    def open_blobs(self, tmp_path: Path) -> Callable[[], Blobs]:
        return lambda: LocalBlobs(tmp_path / "store")

    @pytest.fixture
    def damage(self, tmp_path: Path) -> Callable[[Blob, bytes], None]:
        def put_other_bytes(blob: Blob, data: bytes) -> None:
            path = Path(LocalBlobs(tmp_path / "store").path(blob))
            path.chmod(0o600)
            path.write_bytes(data)

        return put_other_bytes


class _ObjectStore(BlobsContract):
    server: Callable[[], Server]

    @pytest.fixture
    def remote(self) -> Remote:
        """A store of its own for each test, over one connection for all."""
        server = type(self).server()
        options = f"endpoint_url={server.endpoint}&region=us-east-1&key={TEAM[0]}&secret={TEAM[1]}"
        address = parse_address(f"{server.url(f'contract/{os.getpid()}-{next(_numbers)}')}?{options}")
        assert isinstance(address, Address)
        remote = _Remote(address)
        remote.connection = _connections.setdefault(server, Remote(address))
        return remote

    @pytest.fixture
    def open_blobs(self, remote: Remote, tmp_path: Path) -> Callable[[], Blobs]:
        homes = count()
        return lambda: ObjectBlobs(remote, str(tmp_path / f"home{next(homes)}"), 1 << 30)

    @pytest.fixture
    def damage(self, remote: Remote, tmp_path: Path) -> Callable[[Blob, bytes], None]:
        def put_other_bytes(blob: Blob, data: bytes) -> None:
            (tmp_path / "bytes").write_bytes(data)
            remote.replace(str(tmp_path / "bytes"), key_of(blob.digest))

        return put_other_bytes


class _Remote(Remote):
    connection: Remote

    def _driver(self) -> Any:
        return self.connection._driver()


_connections: dict[Server, Remote] = {}


class TestObjectStoreOnMoto(_ObjectStore):
    server = staticmethod(moto)


class TestObjectStoreOnSeaweed(_ObjectStore):
    server = staticmethod(seaweed)
