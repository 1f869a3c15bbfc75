import os
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter

from tests.shape.source import REPOSITORY, SOURCE, folder_of, imports, modules


def test_a_folder_imports_only_floors_below_it() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    path = os.pathsep.join(filter(None, [str(SOURCE.parent), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_folders_form_no_cycle() -> None:
    edges: dict[str, set[str]] = {}
    for file in modules():
        folder = folder_of(file)
        if folder in ("__init__", "__main__"):
            continue
        targets = {name.split(".")[1] for name in imports(file) if "." in name}
        edges.setdefault(folder, set()).update(targets - {folder})
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None


def test_no_folder_imports_the_package_itself() -> None:
    """`from solvent import run` inside a folder would reach any floor, unseen by the floors."""
    harmless = {folder_of(file) for file in modules()} | {"__version__"}
    guilty = [
        f"{file}: {name}"
        for file in modules()
        if "/" in file
        for name in imports(file)
        if len(name.split(".")) < 2 or name.split(".")[1] not in harmless
    ]
    assert not guilty
