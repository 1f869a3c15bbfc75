"""The numbers of several processes as those of one server: whichever answers `/metrics` tells what all have counted.

Each process leaves its numbers in a file of a folder, once a second. Those of a process that died count on, so that no
counter goes back; what it counted in its last second is lost.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

EVERY_SECONDS = 1.0
ADDED_GAUGES = frozenset({"solvent_in_flight", "solvent_queue", "process_resident_memory_bytes"})
"""Gauges that are added up over the processes that live; of all others each process tells its own."""


class _Family(NamedTuple):
    """Numbers of one name: its first two lines, its kind, and the value of each series."""

    head: str
    kind: str
    values: dict[str, float]


class Together:
    """The numbers of this process and of those beside it, by files in `folder`."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._own = f"{os.getpid()}.prom"

    def gather(self, own: bytes) -> bytes:
        """Give the numbers of all, where `own` are those of this process now."""
        self._write(own)
        found = _parse(own.decode())
        for name, text in self._others():
            alive = _is_alive(int(name.partition(".")[0]))
            for title, family in _parse(text).items():
                mine = found.setdefault(title, family._replace(values={}))
                if mine.kind != "gauge" or (title in ADDED_GAUGES and alive):
                    for series, value in family.values.items():
                        mine.values[series] = mine.values.get(series, 0.0) + value
        return "".join(_text(each) for each in found.values() if each.values).encode()

    async def keep(self, own: Callable[[], bytes]) -> None:
        """Leave the numbers of this process where the others find them, until cancelled."""
        while True:
            self._write(own())
            await asyncio.sleep(EVERY_SECONDS)

    def _write(self, own: bytes) -> None:
        path = os.path.join(self._folder, self._own)
        # A disk that is full, or a folder that is gone, costs no request.
        with suppress(OSError):
            with open(f"{path}.part", "wb") as file:
                file.write(own)
            os.replace(f"{path}.part", path)

    def _others(self) -> Iterator[tuple[str, str]]:
        with suppress(OSError):
            for name in os.listdir(self._folder):
                if name.endswith(".prom") and name != self._own:
                    with suppress(OSError), open(os.path.join(self._folder, name), encoding="utf-8") as file:
                        yield name, file.read()


def _parse(text: str) -> dict[str, _Family]:
    found: dict[str, _Family] = {}
    help_line, family = "", _Family("", "", {})
    for line in text.splitlines():
        if line.startswith("# HELP "):
            help_line = line
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ", 3)
            family = found[name] = _Family(f"{help_line}\n{line}\n", kind, {})
        else:
            series, _, value = line.rpartition(" ")
            family.values[series] = float(value)
    return found


def _text(family: _Family) -> str:
    lines = (f"{series} {value:.17g}\n" for series, value in family.values.items())
    return family.head + "".join(lines)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
