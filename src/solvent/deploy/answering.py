"""What a bundle answers to recorded rows, found in a process of its own that has what the endpoint will have."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from typing import Any, NamedTuple

from solvent.config.threads import limit_threads
from solvent.deploy.served import own_environment
from solvent.errors import BundleError, SolventError
from solvent.serving.folder import open_bundle
from solvent.serving.program import Program
from solvent.serving.tables import to_columns

_KNOWN = ("builtins", "numpy", "pandas", "polars", "pyarrow")


class Order(NamedTuple):
    """What the process is to do: answer the request, which is pickled, with the bundle in `folder`."""

    folder: str
    request: bytes
    answer: str


def answer(folder: str, request: Any) -> Any:
    """Give the response of a bundle to a request of the type that it has in the run.

    A response of a type that is the bundle's own comes as columns. BundleError if a step fails.
    """
    with tempfile.TemporaryDirectory(prefix="solvent-answer-") as own:
        order = Order(os.path.abspath(folder), pickle.dumps(request), f"{own}/answer")
        ended = subprocess.run(
            [sys.executable, "-P", "-c", "from solvent.deploy.answering import main; main()"],
            input=pickle.dumps(order),
            stdout=sys.stderr,
            cwd=own,
            env=own_environment(),
            check=False,
        )
        try:
            with open(order.answer, "rb") as file:
                found: Any = pickle.load(file)
        except OSError:
            raise BundleError(
                f"the process that answers ended with exit code {ended.returncode}", where=folder
            ) from None
    if isinstance(found, SolventError):
        raise found
    return found


def main() -> None:
    """Read an order from standard input, do it, and write the answer to the file that it names."""
    import warnings

    warnings.simplefilter("ignore")
    limit_threads(1)
    order: Order = pickle.load(sys.stdin.buffer)
    found: Any
    try:
        found = _answer(order)
    except SolventError as error:
        found = error
    except Exception as error:
        found = BundleError(f"the bundle does not answer: {type(error).__name__}: {error}", where=order.folder)
    with open(order.answer, "wb") as file:
        pickle.dump(found, file)


def _answer(order: Order) -> Any:
    bundle = open_bundle(order.folder)
    program = Program(bundle)
    with program.code.loading():
        response = program.run(pickle.loads(order.request))
    if type(response).__module__.partition(".")[0] in _KNOWN:
        return response
    return to_columns(response, [each.name for each in bundle.manifest.response.columns])
