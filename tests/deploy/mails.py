"""A project with the endpoint of `tests/stories/spam.py`, requests for it, and what it has to answer."""

import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from solvent.serving.folder import open_bundle
from solvent.serving.program import Program
from solvent.serving.requestlog import Logged, RequestLog
from solvent.serving.tables import from_columns, to_columns
from tests.serving.servers import make_bundle


@pytest.fixture(scope="session")
def spam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that made the bundle of `tests/stories/spam.py`, in its folder `bundle`; nobody may change it."""
    return make_bundle(tmp_path_factory.mktemp("spam"), "spam.py", "spam").parent


@pytest.fixture
def mailbox(spam: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that project, to work in."""
    folder = tmp_path / spam.name
    shutil.copytree(spam, folder)
    monkeypatch.chdir(folder)
    return folder


def mails(rows: int = 50) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": range(rows),
            "words": [float(row * 13 % 97) for row in range(rows)],
            "links": [row % 7 for row in range(rows)],
            "language": [("nl", "en")[row % 2] for row in range(rows)],
            "spam": [False] * rows,
        }
    )


def like_training(rows: int) -> pd.DataFrame:
    """Mails whose columns are as those that the model was fitted on."""
    return pd.DataFrame(
        {
            "words": [float(row * 7 % 101) for row in range(rows)],
            "links": [row % 9 for row in range(rows)],
            "language": [("en", "de", "fr", "nl")[row % 4] for row in range(rows)],
            "spam": [row % 9 > 5 for row in range(rows)],
        }
    )


def expected(given: pd.DataFrame) -> list[float]:
    usual = sum(row % 9 for row in range(300)) / 300
    return list(given["links"] / (10 + usual + given["words"]) + (given["language"] == "nl") * 0.1)


def serve(
    bundle: Path,
    log: Path,
    requests: pd.DataFrame,
    *,
    first: int = 0,
    change: Callable[[dict[str, Any]], Mapping[str, Any]] = dict,
    off_by: float = 0.0,
    fields: Mapping[str, Any] | None = None,
) -> None:
    """Answer requests of one row each as a server does, and log them; `off_by` is a skew."""
    program = Program(open_bundle(str(bundle)))
    manifest = program.bundle.manifest
    writing = RequestLog(str(log))
    for number, row in enumerate(requests.to_dict("records"), first):
        row = dict(change({str(name): value for name, value in row.items()}))
        columns = {each.name: [row[each.name]] for each in manifest.request.columns}
        answer = to_columns(program.run(from_columns(columns, manifest.request)), ["value"])["value"][0] + off_by
        if writing.wants(f"r{number}"):
            writing.add(_logged(number, program.bundle.digest, columns, answer)._replace(**(fields or {})))
    writing.close()


def _logged(number: int, digest: str, columns: Mapping[str, list[Any]], answer: float) -> Logged:
    return Logged(time.time(), f"r{number}", "", digest, 1, lambda: columns, lambda: {"value": [answer]}, 0.001)
