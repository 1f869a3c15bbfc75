"""Open a store and die at the N-th statement of its migration: `killed_migration.py PATH-OR-URL N`."""

import os
import signal
import sys
from typing import Any

from solvent.metadata.database import Database
from solvent.metadata.opening import open_metadata
from solvent.metadata.store import MetadataStore

place, die_at = sys.argv[1], int(sys.argv[2])
count = 0


def die_in_time(work: Any) -> Any:
    def counted(*given: Any, **more: Any) -> Any:
        global count
        count += 1
        if count == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return work(*given, **more)

    return counted


if "://" in place:
    from solvent.metadata.postgres import PostgresStore

    PostgresStore.execute = die_in_time(PostgresStore.execute)  # type: ignore[method-assign]
    PostgresStore._commit = die_in_time(PostgresStore._commit)  # type: ignore[method-assign]
    open_metadata("", place).close()
else:
    Database.execute = die_in_time(Database.execute)  # type: ignore[method-assign]
    MetadataStore.open(place).close()
print(count)
