"""A folder of many files is stored and compared at the cost of reading it, and unchanged at the cost of a look."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from solvent.fingerprint.files import SETTLED_NS
from tests import soak

PROGRAM = """
import os
from solvent import Folder, pipeline, step


@step
def take(source: Folder) -> Folder:
    return Folder(os.path.abspath(source))


@step
def count(files: Folder) -> int:
    return sum(len(names) for _, _, names in os.walk(files))


@pipeline
def store(source: Folder = Folder("small")) -> Folder:
    return take(source)


@pipeline
def use(source: Folder = Folder("small")) -> int:
    return count(take(source))


@pipeline
def look(source: Folder = Folder("small")) -> int:
    return count(source)
"""

READ_AND_COPY = """
import hashlib, os, shutil, tempfile
paths = [os.path.join(folder, name) for folder, _, names in os.walk("large") for name in names]
for path in paths:
    with open(path, "rb") as file:
        hashlib.file_digest(file, "sha256").hexdigest()
copy = tempfile.mkdtemp(dir=".")
for number, path in enumerate(paths):
    shutil.copyfile(path, f"{copy}/{number}")
"""


def make_folder(folder: Path, files: int, size: int) -> None:
    block = os.urandom(max(size, 1 << 16))
    for number in range(files):
        path = folder / f"{number % 100:02}" / f"{number:05}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(number.to_bytes(8, "big") + block[8:size])


def settle(folder: Path) -> None:
    """Wait until the state of the newest file stands for its content."""
    newest = max(os.stat(os.path.join(at, name)).st_ctime_ns for at, _, names in os.walk(folder) for name in names)
    while time.time_ns() - newest <= SETTLED_NS + 10**8:
        time.sleep(0.05)


class Folders:
    """A project with a large folder and a small one."""

    def __init__(self, shop: Any, files: int, size: int) -> None:
        self.shop = shop
        shop.write("many.py", PROGRAM)
        self.large = shop.root / "large"
        make_folder(self.large, files, size)
        make_folder(shop.root / "small", 1, 10)
        settle(self.large)

    def cpu(self, *words: str) -> float:
        """Give the CPU seconds of a Python process and its children."""
        process = subprocess.Popen(
            [sys.executable, *words], cwd=self.shop.root, env=self.shop.environment(), stdout=subprocess.DEVNULL
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return used.ru_utime + used.ru_stime

    def run(self, pipeline: str, source: str = "large") -> float:
        return self.cpu("-m", "solvent", "run", f"many.py:{pipeline}", "--quiet", "--set", f"source={source}")

    def baseline(self) -> float:
        """Hash and copy; the copies stay, since a disk makes new files slowly when many were removed a moment ago."""
        return self.cpu("-c", READ_AND_COPY)

    def idle(self) -> float:
        """What a run with a small folder takes."""
        self.run("store", "small")
        return min(self.run("store", "small") for _ in range(3))


@pytest.mark.slow
def test_many_files_are_stored_used_and_found_unchanged(shop: Any) -> None:
    folders = Folders(shop, 300, 20_000)
    first = shop.run("many.py:use", "--set", "source=large")
    assert first.result == 300
    kept = blobs(shop.root)
    assert len(kept) >= 300
    again = shop.run("many.py:use", "--set", "source=large")
    assert again.names("reused") == ["take", "count"]
    (folders.large / "07" / "00007.bin").write_bytes(b"changed")
    (folders.large / "08" / "00008.bin").unlink()
    changed = shop.run("many.py:use", "--set", "source=large")
    assert changed.ran == ["take", "count"]
    assert changed.result == 299
    assert "large" in changed.why("take")
    assert len(blobs(shop.root) - kept) == 1, "what did not change is there once"


def blobs(root: Path) -> set[str]:
    return {os.path.join(at, name) for at, _, names in os.walk(root / ".solvent" / "objects") for name in names}


@pytest.mark.soak
def test_a_gigabyte_in_ten_thousand_files(shop: Any) -> None:
    folders = Folders(shop, 10_000, 100_000)
    idle = folders.idle()
    baselines = [folders.baseline()]
    first = folders.run("store") - idle
    baselines.append(folders.baseline())
    unchanged = min(folders.run("store") - idle for _ in range(3))
    folders.run("look")
    compared = min(folders.run("look") - idle for _ in range(3))
    used = folders.run("use") - idle
    baseline = sum(baselines) / 2
    soak.record(
        "1 GB in 10,000 files",
        f"first store {first:.1f} CPU-s, {first / baseline:.2f} x reading it for SHA-256 and copying it ({baseline:.1f}"
        f" CPU-s); unchanged {unchanged:.2f} CPU-s as an output, {compared:.2f} as an input; laid out for the next step"
        f" {used:.1f} CPU-s",
    )
    print(json.dumps({"idle": idle, "baselines": baselines}))
    assert first < 2 * baseline
    assert unchanged < 0.2
    assert compared < 0.2
