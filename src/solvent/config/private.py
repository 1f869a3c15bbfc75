"""Folders and files that their owner alone can open, whatever the umask."""

from __future__ import annotations

import os


def make_folder(path: str) -> None:
    """Make a folder, and those above it that are missing, each with mode 0700; one that is there stays as it is."""
    try:
        os.mkdir(path, 0o700)
    except FileNotFoundError:
        parent = os.path.dirname(os.path.abspath(path))
        if parent == os.path.abspath(path):
            raise
        make_folder(parent)
        make_folder(path)
    except OSError:
        # There already, or on a disk that lets nothing be made: only what is missing then is an error.
        if not os.path.isdir(path):
            raise


def make_file(path: str) -> None:
    """Make an empty file with mode 0600 unless one is there."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600))


def open_to_others(path: str) -> bool:
    """Tell whether anyone but the owner may look into a folder; never on systems without such modes."""
    return os.name != "nt" and bool(os.stat(path).st_mode & 0o077)
