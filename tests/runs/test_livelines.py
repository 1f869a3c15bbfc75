"""Lines are shown while a step has time for it, and what it has no time for is said."""

from __future__ import annotations

import re
import time

import pytest

from solvent.runs.livelines import LiveLines


def test_lines_are_shown_when_they_are_whole() -> None:
    shown: list[str] = []
    live = LiveLines(shown.append)
    for text in ("one\ntw", "o", "\n", "10%\r20%\r\n", "rest"):
        live.add(text)
    assert shown == ["one", "two", "20%"]
    live.end()
    assert shown == ["one", "two", "20%", "rest"]


@pytest.mark.slow
def test_a_slow_display_makes_lines_be_skipped_and_none_is_lost_count_of() -> None:
    shown: list[str] = []

    def show(text: str) -> None:
        shown.append(text)
        time.sleep(0.005)

    live = LiveLines(show)
    began = time.perf_counter()
    for number in range(20_000):
        live.add(f"{number}")
        live.add("\n")
    took = time.perf_counter() - began
    live.end()
    skipped = [int(found[1]) for text in shown if (found := re.match(r"\[\.\.\. (\d+) characters came too fast", text))]
    assert skipped
    written = sum(len(f"{number}\n") for number in range(20_000))
    assert sum(skipped) + sum(len(text) + 1 for text in shown if text.isdecimal()) == written
    assert took < 2, "20,000 lines at 5 ms each would take 100 s"
    assert all(text.isdecimal() or text.startswith("[...") for text in shown), "only whole lines"


@pytest.mark.slow
def test_after_a_rush_lines_are_shown_again() -> None:
    shown: list[str] = []
    live = LiveLines(lambda text: (shown.append(text), time.sleep(0.3 if text == "slow" else 0)))
    live.add("slow\n")
    live.add("skipped\nhalf of a line")
    until = time.monotonic() + 5
    while shown[-1] != "again" and time.monotonic() < until:
        live.add(" that is over\nagain\n")
    assert shown[0] == "slow"
    assert "came too fast" in shown[1]
    assert shown[-1] == "again"
