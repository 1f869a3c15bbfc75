"""All that is read from the metadata store: runs and step runs, and here code, environments, notes, tags and memos."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from solvent.metadata.answers import Note, Tag
from solvent.metadata.database import storable
from solvent.metadata.runs import RunQueries
from solvent.metadata.step_runs import StepRunQueries
from solvent.metadata.writes import state_text
from solvent.model import CodeFingerprint, Symbol

_AT_ONCE = 500


class Queries(RunQueries, StepRunQueries):
    """The reading half of a metadata store."""

    def load_code(self, digest: str) -> CodeFingerprint | None:
        """Read what a code fingerprint was made of."""
        row = self.row("SELECT packages, unfollowed, files FROM codes WHERE digest = ?", (digest,))
        if row is None:
            return None
        symbols = self.rows(
            "SELECT name, kind, digest, file, line FROM symbols WHERE code = ? ORDER BY ordinal", (digest,)
        )
        packages, unfollowed, files = (tuple(json.loads(text)) for text in row)
        return CodeFingerprint(digest, tuple(Symbol(*each) for each in symbols), packages, unfollowed, files)

    def load_environment(self, digest: str) -> tuple[str, str] | None:
        """Read the record (JSON) and the lock of an environment."""
        row = self.row("SELECT record, lock_text FROM environments WHERE digest = ?", (digest,))
        return None if row is None else (row[0], row[1])

    def notes(self, kind: str, id: str) -> list[Note]:
        """Read what people wrote about something, oldest first, wherever it was written."""
        sql = "SELECT text, author, written_at FROM notes WHERE kind = ? AND subject = ? ORDER BY ordinal"
        return sorted((Note(*row) for row in self.rows(sql, (kind, id))), key=lambda note: note.at)

    def tags(self, kind: str, id: str) -> list[Tag]:
        """Read the tags of something, in the order of the alphabet."""
        sql = "SELECT tag, author, tagged_at FROM tags WHERE kind = ? AND subject = ? ORDER BY tag"
        return [Tag(*row) for row in self.rows(sql, (kind, id))]

    def recall_files(self, states: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], str]:
        """Tell the digests of those files that were remembered in this very state."""
        found: dict[tuple[Any, ...], str] = {}
        for start in range(0, len(states), _AT_ONCE):
            asked = {storable(str(state[0])): state for state in states[start : start + _AT_ONCE]}
            marks = ", ".join("?" * len(asked))
            sql = f"SELECT path, state, digest FROM file_memos WHERE path IN ({marks})"
            for path, text, digest in self.rows(sql, tuple(asked)):
                if text == state_text(asked[path]):
                    found[asked[path]] = digest
        return found

    def last_cleaning(self) -> tuple[int, int]:
        """Tell the number of the newest clean-up, and how many have begun and not ended."""
        sql = "SELECT COALESCE(MAX(number), 0), COUNT(*) - COUNT(ended_at) FROM cleanings"
        found: tuple[int, int] = self.row(sql)
        return found[0], found[1]

    def has_step_run(self, run_id: str, position: int) -> bool:
        sql = "SELECT 1 FROM step_runs WHERE run_id = ? AND position = ?"
        return self.row(sql, (run_id, position)) is not None
