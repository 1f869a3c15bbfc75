import io
import sys

import pytest

from solvent.cli.progress import Lines, Quiet
from solvent.runs.events import StepEvent


class Pieces(io.StringIO):
    """Keeps what it is given piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def write(self, text: str) -> int:
        self.pieces.append(text)
        return len(text)


@pytest.mark.parametrize("kind", [Quiet, Lines])
def test_each_line_is_written_at_once_so_that_threads_do_not_mix_them(
    kind: type[Quiet], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Pieces()
    monkeypatch.setattr(sys, "stderr", stream)
    watcher = kind()
    watcher.run_started("r1", "main", None)
    watcher.output("fit", "a line")
    watcher.step_changed(StepEvent(0, "fit", "done", "it has not run before", 0.1))
    watcher.notice("trying again")
    watcher.run_ended("r1", "done", 0.1, {"done": 1})
    assert len(stream.pieces) == (5 if kind is Lines else 2)
    assert all(piece.endswith("\n") and piece.count("\n") == 1 for piece in stream.pieces)
