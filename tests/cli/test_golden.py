"""What the commands print at 80 columns, whole; only ids, times and digests are replaced."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.cli.conftest import Say, stable


def test_runs(shop: Path, say: Say) -> None:
    assert stable(say("runs")).splitlines() == [
        "run  pipeline  status  started  took  ran  result",
        "RUN  main  done  TIME  TOOK  2/2  10",
        "RUN  main  done  TIME  TOOK  2/2  6",
    ]


def test_why_of_a_step_names_the_part_that_differs(shop: Path, say: Say) -> None:
    assert stable(say("why", "load")).splitlines() == [
        "load of run RUN: done",
        "  why  argument `count` 4 -> 5",
        "  against  load of run RUN",
        "  differs  argument count: 4 -> 5",
        "  argument  count = 5",
        f"  versions  python {sys.version_info[0]}.{sys.version_info[1]}",
        "  code  DIGEST",
        "  key  DIGEST",
        "  unseen  clock, network, databases, environment variables: declare them, use",
        "            salt, or cache=False",
    ]


def test_why_of_a_run_is_a_table(shop: Path, say: Say) -> None:
    assert stable(say("why", "latest~1")).splitlines() == [
        "run RUN of main: done",
        "",
        "step  status  why",
        "load  done  it has not run before",
        "total  done  it has not run before",
    ]


def test_artifacts(shop: Path, say: Say) -> None:
    assert stable(say("artifacts", "latest")).splitlines() == [
        "digest  output  type  format  size",
        "DIGEST  load  list  json  11 B",
        "DIGEST  total  int  json  2 B",
    ]


def test_lineage(shop: Path, say: Say) -> None:
    assert stable(say("lineage", "total")).splitlines() == [
        "artifact DIGEST int",
        "",
        "came from",
        "  total of run RUN, call 1",
        "    numbers = artifact DIGEST list",
        "      load of run RUN, call 0",
        "",
        "went into",
        "  nothing",
    ]


def test_diff(shop: Path, say: Say) -> None:
    lines = [line for line in stable(say("diff")).splitlines() if line]
    assert lines[:3] == ["RUN -> RUN", "config", "  count: 4 -> 5"]
    assert lines[-2:] == ["metrics", "  total.size: 4 -> 5"]


def test_show_ends_with_steps_and_metrics(shop: Path, say: Say) -> None:
    assert stable(say("show")).splitlines()[-6:] == [
        "step  status  took  why",
        "load  done  TOOK  argument `count` 4 -> 5",
        "total  done  TOOK  input `numbers` changed",
        "",
        "metrics",
        "  total  size 5",
    ]
