"""Open a store and die at the N-th statement of its migration: `killed_migration.py PATH N`."""

import os
import signal
import sys

from solvent.metadata.database import Database
from solvent.metadata.store import MetadataStore

path, die_at = sys.argv[1], int(sys.argv[2])
execute, count = Database.execute, 0


def counting(self, sql, parameters=()):
    global count
    count += 1
    if count == die_at:
        os.kill(os.getpid(), signal.SIGKILL)
    return execute(self, sql, parameters)


Database.execute = counting
MetadataStore.open(path).close()
print(count)
