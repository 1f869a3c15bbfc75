"""The thread that makes step runs durable: encode, sync the blobs, commit the rows, in groups and in order."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from solvent.config.masking import masked, masked_json
from solvent.errors import SolventError, StoreError
from solvent.metadata.store import MetadataStore
from solvent.model import Blob, Execution, Failure, StepRunRecord
from solvent.runs.beside import Vigil
from solvent.runs.encode import encode, execution_of
from solvent.runs.events import StepEvent, Watcher
from solvent.runs.execute import Outcome, describe_failure
from solvent.runs.memo import StoreMemo
from solvent.runs.named import name_versions
from solvent.runs.profiler import Expected, Profiler, expect_profiles, hold
from solvent.runs.state import CallState
from solvent.runs.stores import Stores

PENDING_LIMIT = 16
PENDING_SECONDS = 0.05


class Entry(NamedTuple):
    """One ended call on its way into the store: executed here (`outcome`), in a worker (`execution`), or neither."""

    state: CallState
    outcome: Outcome | None = None
    execution: Execution | None = None


Write = Callable[[MetadataStore], None]


class Plain(NamedTuple):
    """A write of another kind, and the blobs that it names."""

    write: Write
    names: tuple[Blob, ...]


class Writer:
    """Commits what the run produces, on a thread of its own.

    No step run is committed before its producers, no row before the bytes that it names. At most 16 step runs, or those of
    50 ms, are executed and not yet committed: `wait_for_room` holds the run back until then.
    """

    def __init__(
        self,
        stores: Stores,
        run_id: str,
        *,
        memo: StoreMemo,
        explain: Callable[[MetadataStore, CallState], str],
        profiler: Profiler,
        watcher: Watcher,
        allow_pickle: bool,
    ) -> None:
        self._stores = stores
        self._run_id = run_id
        self._memo = memo
        self._explain = explain
        self._profiler = profiler
        self._watcher = watcher
        self._allow_pickle = allow_pickle
        self._queue: deque[Entry | Plain] = deque()
        self._executed: deque[float] = deque()
        self._changed = threading.Condition()
        self._known_code: set[str] = set()
        self._closing = False
        self._busy = False
        self.fatal: BaseException | None = None
        self.after_commit: Callable[[], None] = _nothing
        self._thread = threading.Thread(target=self._work, name="solvent-writer", daemon=True)
        self._thread.start()

    @property
    def thread_id(self) -> int:
        return self._thread.ident or 0

    def add(self, item: Entry | Write, names: Iterable[Blob] = ()) -> None:
        """Queue an ended call, or a write to make inside the same transaction as its neighbours.

        `names` are the blobs that such a write names.
        """
        with self._changed:
            self._queue.append(item if isinstance(item, Entry) else Plain(item, tuple(names)))
            if isinstance(item, Entry) and (item.outcome or item.execution):
                self._executed.append(time.monotonic())
            self._changed.notify_all()

    def has_room(self) -> bool:
        """Whether one more step may be executed now."""
        waiting = self._executed
        if not waiting or self.fatal:
            return True
        return len(waiting) < PENDING_LIMIT and time.monotonic() - waiting[0] < PENDING_SECONDS

    def wait_for_room(self) -> None:
        """Return when one more step may be executed; raise what stopped the writer, if anything did."""
        with self._changed:
            while not self.has_room():
                self._changed.wait(PENDING_SECONDS)
        self.check()

    def check(self) -> None:
        if self.fatal is not None:
            raise self.fatal

    def flush(self) -> None:
        """Return when everything queued so far is durable."""
        with self._changed:
            while (self._queue or self._busy) and self.fatal is None:
                self._changed.wait()
        self.check()

    def close(self) -> None:
        """Commit what is queued and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _work(self) -> None:
        metadata = None
        try:
            metadata = self._stores.open_metadata()
            self._vigil = Vigil(metadata)
            while (batch := self._take()) is not None:
                self._commit(metadata, batch)
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()
        except BaseException as error:
            with self._changed:
                self.fatal = _as_store_error(error)
                self._busy = False
                self._queue.clear()
                self._executed.clear()
                self._changed.notify_all()
        finally:
            if metadata is not None:
                metadata.close()

    def _take(self) -> list[Entry | Plain] | None:
        with self._changed:
            while not self._queue:
                if self._closing:
                    return None
                self._changed.wait()
            batch = list(self._queue)
            self._queue.clear()
            self._busy = True
            return batch

    def _commit(self, metadata: MetadataStore, batch: list[Entry | Plain]) -> None:
        done: list[tuple[Entry, StepRunRecord]] = []
        plain: list[Plain] = []
        for item in batch:
            if isinstance(item, Entry):
                done.append((item, self._record(metadata, item)))
            else:
                plain.append(item)
        self._stores.blobs.sync()
        files = self._memo.take_new()
        codes = {code.digest: code for entry, _ in done if (code := entry.state.code) is not None}
        new_codes = [code for digest, code in codes.items() if digest not in self._known_code]

        records = [record for _, record in done]
        names = [blob for item in plain for blob in item.names]
        expected: list[Expected] = []

        def write_all() -> None:
            self._vigil.check(metadata, self._stores.blobs, records, names)
            for item in plain:
                item.write(metadata)
            for code in new_codes:
                metadata.add_code(code)
            for entry, record in done:
                metadata.add_step_run(record)
                name_versions(metadata, self._stores.project_name, self._run_id, entry.state)
            expected[:] = self._expect_profiles(metadata, [entry for entry, _ in done])
            metadata.remember_files(files)

        metadata.write(write_all)
        self._known_code.update(codes)
        for each in expected:
            self._profiler.add(each)
        self._settle([entry for entry, _ in done])

    def _expect_profiles(self, metadata: MetadataStore, done: list[Entry]) -> list[Expected]:
        if not self._stores.project.settings.statistics:
            return []
        return [
            each
            for entry in done
            for each in expect_profiles(metadata, entry.state, entry.outcome.values if entry.outcome else {})
        ]

    def _settle(self, done: list[Entry]) -> None:
        for entry in done:
            state = entry.state
            state.committed = True
            if entry.outcome or entry.execution:
                self._stores.locks.unlock(state.key)
            self._watcher.step_changed(StepEvent(state.index, state.label, state.status, state.why, state.seconds))
        with self._changed:
            for entry in done:
                if entry.outcome or entry.execution:
                    self._executed.popleft()
        self.after_commit()

    def _record(self, metadata: MetadataStore, entry: Entry) -> StepRunRecord:
        state = entry.state
        execution = entry.execution
        if entry.outcome is not None:
            execution = self._encode(state, entry.outcome)
        fallen = next((each for each in state.producers if each.status not in ("done", "reused")), None)
        if execution is not None and state.status == "done" and fallen is not None:
            state.status, state.failure = "cancelled", None
            state.why = f"`{fallen.label}` {fallen.status} after this had begun"
            execution = None
        if execution is not None and not state.why:
            state.why = self._explain(metadata, state)
        state.finished_at = state.finished_at or time.time()
        return StepRunRecord(
            run_id=self._run_id,
            position=state.index,
            name=state.name,
            occurrence=state.call.occurrence,
            status=state.status,
            key=state.key,
            why=masked(state.why),
            parts=masked_json(state.parts),
            code=state.code.digest if state.code else None,
            cached=state.call.step.spec.cache,
            source=state.source,
            attempt=state.attempt,
            finished_at=state.finished_at,
            execution=execution,
            inputs=state.inputs,
        )

    def _encode(self, state: CallState, outcome: Outcome) -> Execution:
        if outcome.failure is not None:
            return execution_of(outcome, {})
        held = hold(outcome.values)
        try:
            execution = encode(outcome, state.name, self._stores.blobs, allow_pickle=self._allow_pickle)
        except StoreError:
            raise
        except SolventError as error:
            state.status, state.error = "failed", error
            state.failure = outcome.failure = Failure(type(error).__name__, masked(str(error)), "")
            return execution_of(outcome, {})
        outcome.values = held
        for name, artifact in execution.outputs.items():
            output = state.outputs.get((name,) if state.call.step.fields else ())
            if output is not None:
                output.artifact = artifact
        return execution


def _as_store_error(error: BaseException) -> BaseException:
    if isinstance(error, SolventError):
        return error
    described: Any = describe_failure(error)
    return StoreError(
        f"the run could not be written to the store: {described.kind}: {described.message}",
        hint="run `solvent doctor`; what was committed before is safe, and running again goes on from there",
    )


def _nothing() -> None:
    pass
