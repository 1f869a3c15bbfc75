"""What an object store must prove before it is used: it is there, one may write, and it refuses to replace.

That it was proved is remembered beside the cache, so that opening the store again asks nothing for a week.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress

from solvent.artifacts.addresses import Address
from solvent.artifacts.refusals import endpoint
from solvent.artifacts.remote import Remote
from solvent.config.private import make_folder
from solvent.errors import StoreError

PROVED_SECONDS = 7 * 24 * 3600.0
_PATIENCE_SECONDS = 3.0
_STALE_SECONDS = 24 * 3600.0
MARKER = "solvent.json"
_WHO_ASKS = ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AZURE_STORAGE_ACCOUNT_NAME", "GOOGLE_APPLICATION_CREDENTIALS")

_WHERE = ("endpoint_url", "client_kwargs", "anon", "profile", "account_name", "project")


def prove_once(remote: Remote, root: str) -> None:
    """Let the store prove itself, unless this very store did lately; StoreError if it does not."""
    note, asked = os.path.join(root, "proved.json"), _description(remote.address)
    if _is_proved(note, asked):
        return
    prove(remote)
    with suppress(StoreError):
        remote.end_stale_uploads(_STALE_SECONDS)
    with suppress(OSError):
        make_folder(root)
        aside = f"{note}.{os.getpid()}"
        with open(aside, "w") as file:
            json.dump({"store": remote.address.shown, "asked": asked, "proved_at": time.time()}, file)
        os.replace(aside, note)


def prove(remote: Remote) -> None:
    """Write the store's marker, twice: the second time must be refused."""
    patience = min(_PATIENCE_SECONDS, remote.address.patience_seconds)
    marker = json.dumps({"what": "an artifact store of Solvent", "layout": 1, "blobs": "objects/ab/cdef..."}, indent=2)
    server = ""
    # Some servers make a bucket by themselves when something is written.
    remote.look(patience_seconds=patience)
    for _ in range(2):
        created, server = remote.create_bytes(marker.encode(), MARKER, patience_seconds=patience)
        if not created:
            return
    with suppress(StoreError):
        remote.remove([MARKER])
    address = remote.address
    name = endpoint(address) or address.driver.protocol
    called = f" (its server calls itself {server})" if server else ""
    raise StoreError(
        f"the artifact store {address.shown} replaces objects where it must not: {name}{called} ignores conditional "
        "writes (If-None-Match)",
        where="setting `artifacts`",
        hint="use a store that honours them, such as Amazon S3, Google Cloud Storage, Azure Blob Storage or SeaweedFS",
    )


def _is_proved(note: str, asked: str) -> bool:
    try:
        with open(note) as file:
            known = json.load(file)
        return bool(known["asked"] == asked and 0 <= time.time() - known["proved_at"] < PROVED_SECONDS)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _description(address: Address) -> str:
    """Give a digest of what makes this another store, or another user of it; no secret is in it."""
    options = {name: value for name, value in address.options.items() if name in _WHERE}
    parts = (
        address.shown,
        json.dumps(options, sort_keys=True),
        endpoint(address),
        *(os.environ.get(name, "") for name in _WHO_ASKS),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
