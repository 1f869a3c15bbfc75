"""What secrets a step uses is told to its runner by reference, before the step can print any of them.

It shows what a worker prints while it prints it, and keeps the log of one that crashed; so it must know what to mask.
"""

from __future__ import annotations

import os
from contextlib import suppress

from solvent.config.secrets import know

_ENDING = ".secrets"


class Announcements:
    """References to secrets in a file beside a worker's log; no value is ever in it."""

    def __init__(self, log_path: str) -> None:
        self._path = log_path + _ENDING if log_path else ""
        self._told: set[str] = set()

    def add(self, reference: str) -> None:
        """Tell the runner of one more."""
        if not self._path or reference in self._told:
            return
        self._told.add(reference)
        # The step may have made the folder of the store unreachable: what it prints is masked at its end all the same.
        with suppress(OSError):
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(file, (reference + "\n").encode("utf-8", "surrogateescape"))
            finally:
                os.close(file)


def hear(log_path: str) -> None:
    """Mask from now on what the worker that writes this log has told of."""
    path = log_path + _ENDING
    if not os.path.exists(path):
        return
    with suppress(OSError), open(path, encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            know(line.rstrip("\n"))


def forget(log_path: str) -> None:
    """Remove what a worker has told; its step has ended."""
    with suppress(OSError):
        os.unlink(log_path + _ENDING)
