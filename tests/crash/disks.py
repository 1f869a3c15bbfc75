"""A disk whose power is cut: an image mounted through a loop device, copied at one instant while programs write to it.

The copy holds what the device had received by then: what was synced, what the system had written of itself, nothing
that was only in memory. Mounting the copy is the first boot after the cut: the journal is replayed.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE_BYTES = 128 << 20
_HOLE = 1 << 16


class Disk:
    """A small ext4 in a file, mounted at `mount`."""

    def __init__(self, folder: Path) -> None:
        self.image, self.mount = folder / "disk.img", folder / "disk"
        self.mount.mkdir()
        with open(self.image, "wb") as file:
            file.truncate(SIZE_BYTES)
        said = ["mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(self.image)]
        subprocess.run(said, check=True)
        self.device = mounted(self.image, self.mount)

    def cut(self, copy: Path, hold: Callable[[int], None]) -> None:
        """Copy the image as it is at one instant: copied again until nothing was written meanwhile.

        Where that does not come about by itself, `hold` is called with SIGSTOP: the programs are held before their next
        call, and with SIGCONT when the copy is made.
        """
        deadline = time.monotonic() + 30
        for number in range(10_000):
            if number == 5:
                hold(signal.SIGSTOP)
            before = self._written()
            copy_sparse(self.image, copy)
            if before is not None and before == self._written():
                break
            assert time.monotonic() < deadline, "the disk never came to rest"
        hold(signal.SIGCONT)

    def _written(self) -> list[str] | None:
        """Give how much was written and flushed so far, None while a write is under way."""
        state = Path("/sys/block", self.device)
        under_way = state.joinpath("inflight").read_text().split()[1]
        fields = state.joinpath("stat").read_text().split()
        return None if under_way != "0" else [fields[4], fields[6], *fields[11:]]

    def close(self) -> None:
        unmount(self.mount)


def mounted(image: Path, at: Path) -> str:
    """Mount an image and give the name of its device."""
    device = subprocess.run(["losetup", "--find", "--show", str(image)], check=True, capture_output=True, text=True)
    name = device.stdout.strip()
    subprocess.run(["mount", name, str(at)], check=True)
    subprocess.run(["losetup", "--detach", name], check=True)  # with the last use of it
    return os.path.basename(name)


def unmount(at: Path) -> None:
    if subprocess.run(["umount", str(at)], check=False, capture_output=True).returncode:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


@contextmanager
def booted(image: Path, at: Path) -> Iterator[Path]:
    """Mount a copy, as after the cut."""
    at.mkdir(exist_ok=True)
    mounted(image, at)
    try:
        yield at
    finally:
        unmount(at)


def copy_sparse(source: Path, target: Path) -> None:
    """Copy what a file holds, and leave its holes holes."""
    ours, theirs = os.open(source, os.O_RDONLY), os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        size, at = os.fstat(ours).st_size, 0
        os.truncate(theirs, size)
        while at < size:
            try:
                at = os.lseek(ours, at, os.SEEK_DATA)
            except OSError:
                break  # holes only from here on
            end = os.lseek(ours, at, os.SEEK_HOLE)
            while at < end:
                at += os.copy_file_range(ours, theirs, end - at, at, at)
    finally:
        os.close(ours)
        os.close(theirs)


@functools.cache
def why_not() -> str:
    """Tell why no disk can be cut here, or nothing."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "only root can mount a disk"
    missing = [name for name in ("mkfs.ext4", "losetup", "mount") if not shutil.which(name)]
    if missing:
        return f"no {missing[0]} here"
    with tempfile.TemporaryDirectory() as folder:
        try:
            Disk(Path(folder)).close()
        except (subprocess.CalledProcessError, OSError) as error:
            return f"this machine mounts no image: {error}"
    return ""
