"""Show what Solvent does, on real data: run, run again, edit, see why. `make demo` runs this.

All happens in a copy of this project in a temporary folder.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TARGET = "flights_delays.pipeline:delays"
MONTHLY = "flights_delays.monthly:monthly"
RUSH = "(hour >= 16) & (hour < 20)"


def main() -> None:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="flights-") as folder:
        project = Path(folder, "flights")
        shutil.copytree(HERE, project, ignore=shutil.ignore_patterns(".solvent", "__pycache__", "demo.py"))
        os.chdir(project)
        tour(project / "flights_delays" / "rush.py")
    say(f"That was the demo: {time.perf_counter() - began:.0f} seconds. The code is in examples/flights; to go on:")
    print("    cd examples/flights && ../../.venv/bin/solvent run flights_delays.pipeline:delays")


def tour(rush: Path) -> None:
    say("1. A pipeline of plain functions trains on all 336,776 flights from New York in 2013.")
    first = run()
    say(f"{count(first, 'done')} steps ran in {first['seconds']:.1f} seconds. What was logged:")
    solvent("show", "latest")

    say("2. The same again: nothing changed, so nothing runs.")
    again = run()
    say(
        f"{count(again, 'reused')} of {len(again['steps'])} steps were reused, in {again['seconds']:.2f} seconds; "
        "the rest of the wait was Python importing pandas."
    )

    say("3. A comment is added to rush.py. A comment changes no result, so nothing runs.")
    edit(rush, "    return ", "    # Airlines plan most departures then.\n    return ")
    again = run()
    say(f"{count(again, 'reused')} of {len(again['steps'])} steps were reused.")

    say("4. Now the rush begins at three, not at four: one number, in a helper two modules away from any step.")
    edit(rush, RUSH, RUSH.replace("16", "15"))
    say("What would run, before anything does:")
    solvent("plan", TARGET)

    say("5. Exactly those steps run; loading, cleaning and splitting are reused.")
    edited = run()
    ran, reused = names(edited, "done"), names(edited, "reused")
    say(f"Ran: {', '.join(ran)}. Reused: {', '.join(reused)}. And why:")
    solvent("why", "latest/features")

    say("6. The edit is taken back: the old results are still there.")
    edit(rush, RUSH.replace("16", "15"), RUSH)
    back = run()
    say(f"{count(back, 'reused')} of {len(back['steps'])} steps were reused, in {back['seconds']:.2f} seconds.")
    say("7. Every run is on record.")
    solvent("runs", "--limit", "3")
    solvent("diff", edited["id"], back["id"])
    months()


def months() -> None:
    say("8. Another pipeline gets one file each month, over that of the month before. January arrives.")
    arrive(1)
    solvent("run", MONTHLY, "--quiet")
    say("9. July arrives: a new version of the dataset, and what is different is told.")
    arrive(7)
    solvent("run", MONTHLY, "--quiet")
    say("10. The file of January was overwritten; the version is still there, and the two are laid side by side.")
    solvent("data", "flights")
    solvent("data", "diff", "flights@1", "flights@2", "--no-rows")


def arrive(month: int) -> None:
    print(f"$ python -m flights_delays.arrive {month}", flush=True)
    subprocess.run([sys.executable, "-m", "flights_delays.arrive", str(month)], check=True)


def say(text: str) -> None:
    """One sentence of the tour, set apart from what commands print."""
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() and "NO_COLOR" not in os.environ else ("", "")
    print(f"\n{bold}{text}{plain}", flush=True)


def run() -> dict[str, Any]:
    """`solvent run`: progress goes to the terminal, and the record comes back."""
    print(f"$ solvent run {TARGET}", flush=True)
    done = subprocess.run([*command(), "run", TARGET, "--json"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def solvent(*words: str) -> None:
    print(f"$ solvent {' '.join(words)}", flush=True)
    done = subprocess.run([*command(), *words], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def command() -> list[str]:
    return [sys.executable, "-m", "solvent"]


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    if old not in text:
        raise SystemExit(f"{file.name} no longer holds {old!r}, which this demo edits")
    file.write_text(text.replace(old, new), "utf-8")
    changes = [f"    {sign} {line.strip()}" for sign, lines in (("-", old), ("+", new)) for line in lines.splitlines()]
    print(*(change for change in changes if len(change) > 6), sep="\n", flush=True)


def count(record: dict[str, Any], status: str) -> int:
    return sum(step["status"] == status for step in record["steps"])


def names(record: dict[str, Any], status: str) -> list[str]:
    return list(dict.fromkeys(step["name"] for step in record["steps"] if step["status"] == status))


if __name__ == "__main__":
    main()
