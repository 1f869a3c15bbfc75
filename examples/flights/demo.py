"""Show what Solvent does, on real data: run, run again, edit, see why. `make demo` runs this.

All happens in a copy of this project in a temporary folder.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TARGET = "flights_delays.pipeline:delays"
MONTHLY = "flights_delays.monthly:monthly"
PLAIN = "pd.DataFrame(columns), flights[PLAIN]]"
FILLED = "pd.DataFrame(columns), flights[PLAIN].fillna(flights[PLAIN].mean())]"
RUSH = "(hour >= 16) & (hour < 20)"


def main() -> None:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="flights-") as folder:
        project = Path(folder, "flights")
        shutil.copytree(HERE, project, ignore=shutil.ignore_patterns(".solvent", "__pycache__", "demo.py"))
        os.chdir(project)
        tour(project / "flights_delays" / "rush.py")
        months()
        endpoint(project / "flights_delays" / "features.py")
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


def endpoint(features: Path) -> None:
    say(
        "11. Beside the pipeline stands an endpoint: from the test flights to their predictions. That way is cut out of "
        "the recorded run; every step is tried row by row, recorded flights are asked again over HTTP, limits are kept."
    )
    solvent("deploy", "delays", "--why", "the first one")

    say("12. It answers; the first flight of the test part, as the run had it.")
    with serving("delays@champion") as url:
        ask(url)

    say(
        "13. A colleague fills gaps of the weather by the mean of the flights at hand. The score is as good, but one "
        "flight alone has no such mean: what was evaluated would not be what is served. The gate says where."
    )
    edit(features, PLAIN, FILLED)
    run()
    solvent("deploy", "delays", code=1)

    say("14. The edit is taken back, the trees get more rounds; that is a sound version.")
    edit(features, FILLED, PLAIN)
    solvent("run", TARGET, "--quiet", "--set", "rounds=80")
    solvent("deploy", "delays", "--why", "more rounds")

    say("15. And back again, for a reason: a server that watches the alias would answer with version 1 within seconds.")
    solvent("rollback", "delays", "--why", "the old one was good enough")
    solvent("models", "delays")
    solvent("models", "history", "delays")


@contextmanager
def serving(model: str) -> Iterator[str]:
    """`solvent serve` on a free port, for as long as the block runs; gives its URL."""
    print(f"$ solvent serve {model} --port 0", flush=True)
    words = [*command(), "serve", model, "--port", "0", "--json"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = (json.loads(line) for line in process.stdout if line.startswith("{"))
        url = next((each["url"] for each in told if "url" in each), None)
        if url is None:
            sys.exit(process.wait() or 1)
        yield url
    finally:
        process.terminate()
        process.wait()


def ask(url: str) -> None:
    """Send the example that the endpoint itself shows, and print the answer."""
    with urllib.request.urlopen(f"{url}/schema") as answer:
        example = json.dumps(json.load(answer)["example"]["request"])
    print(f"$ curl {url}/predict -d '{example}'", flush=True)
    request = urllib.request.Request(f"{url}/predict", example.encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        print(answer.read().decode(), flush=True)


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


def solvent(*words: str, code: int = 0) -> None:
    print(f"$ solvent {shlex.join(words)}", flush=True)
    done = subprocess.run([*command(), *words], check=False)
    if done.returncode != code:
        sys.exit(done.returncode or 1)


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
