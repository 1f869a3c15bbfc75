"""1 GB in 10,000 files: `python folders.py make` makes them, `python folders.py plain` hashes and copies them."""

import hashlib
import os
import shutil
import sys
import tempfile

from solvent import Folder, pipeline, step


@step
def take(source: Folder) -> Folder:
    return Folder(os.path.abspath(source))


@pipeline
def store(source: Folder) -> Folder:
    return take(source)


def make() -> None:
    block = os.urandom(100_000)
    for number in range(10_000):
        path = f"files/{number % 100:02}/{number:05}.bin"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(number.to_bytes(8, "big") + block[8:])
    os.makedirs("one_file")
    shutil.copyfile("files/00/00000.bin", "one_file/00000.bin")


def plain() -> None:
    paths = [os.path.join(folder, name) for folder, _, names in os.walk("files") for name in names]
    for path in paths:
        with open(path, "rb") as file:
            hashlib.file_digest(file, "sha256").hexdigest()
    copy = tempfile.mkdtemp(dir=".")  # stays: a disk makes new files slowly when many were removed a moment ago
    for number, path in enumerate(paths):
        shutil.copyfile(path, f"{copy}/{number}")


if __name__ == "__main__":
    {"make": make, "plain": plain}[sys.argv[1]]()
