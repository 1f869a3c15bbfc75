"""Every point at which a scenario can be interrupted, tried one after the other on two processors."""

from __future__ import annotations

import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.crash.scenarios import Scenario, anew
from tests.crash.tracing import Call, Traced

Judge = Callable[[Traced], None]


class Point(NamedTuple):
    """Interrupt a scenario at its call `at`, the way that `do` says: kill, end, or an errno (from there `on`)."""

    at: int
    do: str
    on: bool = False


class Tried(NamedTuple):
    """How many points were tried, how many of them the command came to, and what was wrong at which."""

    points: int
    met: Counter[str]
    wrong: list[str]

    def assert_clean(self, share: float = 0.9) -> None:
        assert not self.wrong, f"{len(self.wrong)} of {self.points} points:\n" + "\n".join(self.wrong[:10])
        # Two threads at work make a few calls more or fewer from run to run, so the last points may not be met.
        assert self.met.total() >= share * self.points - 2, self.met


def calls_of(scenario: Scenario, folder: Path, *, every_open: bool = False) -> list[Call]:
    """Prepare a scenario in `folder`/template and count the calls of one undisturbed run of it."""
    scenario.prepare(folder / "template")
    anew(folder / "template", folder / "counted")
    found = scenario.trace(folder / "counted", every_open=every_open)
    scenario.check(folder / "counted", found)
    return list(found.calls)


def sample(calls: list[Call], count: int, seed: int) -> list[int]:
    """Choose calls of all kinds, each kind (what is called, on which sort of file) at least once."""
    chosen = random.Random(seed)
    kinds: dict[str, list[int]] = {}
    for at, call in enumerate(calls, 1):
        kinds.setdefault(kind_of(call), []).append(at)
    found = {chosen.choice(members) for members in kinds.values()}
    rest = sorted(set(range(1, len(calls) + 1)) - found)
    return sorted(found | set(chosen.sample(rest, max(0, min(count - len(found), len(rest))))))


def kind_of(call: Call) -> str:
    """Name the call and the sort of file: names without the digits that differ from run to run."""
    path = re.sub(r"^.*/\.solvent", "", call.paths[-1]) if "/.solvent" in call.paths[-1] else "parent"
    path = re.sub(r"/objects/[0-9a-f]{2}(?=/|$)", "/objects/ab", path)
    return f"{call.name} {re.sub(r'[0-9a-f]{16,}|[0-9]+', '0', path)}"


def try_all(scenario: Scenario, folder: Path, points: Iterable[Point], judge: Judge | None = None) -> Tried:
    """Try each point on a fresh copy of the template; `judge` says what is wrong with how the command ended."""
    todo = list(points)
    met: Counter[str] = Counter()
    wrong: list[str] = []

    def once(number: int) -> None:
        point, root = todo[number], folder / f"try-{number}"
        anew(folder / "template", root)
        found = scenario.trace(root, at=point.at, do=point.do, on=point.on, every_open=point.do == "EMFILE")
        try:
            assert not found.late, "it did not come to an end"
            if found.met:
                met[found.met.name] += 1
            if judge:
                judge(found)
            scenario.check(root, found)
        except Exception as error:
            at = found.met and f"{found.met.name} {' '.join(found.met.paths)}"
            wrong.append(f"{point}, {at}: {type(error).__name__}: {error}\n{found.status} {found.err[-2000:]}")
            return
        shutil.rmtree(root)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(once, range(len(todo))))
    return Tried(len(todo), met, wrong)
