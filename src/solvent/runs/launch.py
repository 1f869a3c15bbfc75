"""One run from its first line to its last commit."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.config.masking import learn_environment
from solvent.config.project import Project, StepSettings
from solvent.config.resolve import Resolved
from solvent.environments.capture import capture
from solvent.environments.git import start_git
from solvent.errors import ConfigError, RunInterrupted, SolventError, StepFailed, nearest
from solvent.fingerprint.code import fingerprint_code
from solvent.fingerprint.files import process_memo
from solvent.model import Resources, RunRecord
from solvent.pipelines.context import inside_run
from solvent.pipelines.pipeline import Pipeline
from solvent.runs import catalogue
from solvent.runs.cache import Cache
from solvent.runs.capture import install, uninstall
from solvent.runs.children import reports
from solvent.runs.events import Discreet, Silent, Watcher
from solvent.runs.explainer import Explainer
from solvent.runs.facts import begin_record, config_text, new_run_id
from solvent.runs.findings import find
from solvent.runs.inline import InlineDriver
from solvent.runs.interrupts import gentle_interrupts
from solvent.runs.keyer import Keyer
from solvent.runs.listeners import Listeners
from solvent.runs.lives import lease_name, status_of
from solvent.runs.memo import StoreMemo
from solvent.runs.profiler import Profiler
from solvent.runs.runner import Policy, Runner, StepOptions
from solvent.runs.seal import Seal
from solvent.runs.stores import Stores
from solvent.runs.tracer import Driver, RunTracer
from solvent.runs.writer import Writer

if TYPE_CHECKING:
    from solvent.engines.processes import ProcessEngine
    from solvent.runs.isolate import Isolation
    from solvent.runs.tickets import TicketOffice

ENGINES = ("inline", "processes")
WORKER_ENTRY = "solvent.runs.worker:execute_ticket"


class Options(NamedTuple):
    """How to run; none of it enters a cache key but the run seed, and that only for steps that draw random numbers."""

    engine: str = "inline"
    workers: int | None = None
    run_seed: int = 0
    reuse: bool = True
    fresh: bool = False
    keep_going: bool = False
    sweep: str | None = None
    watcher: Watcher = Silent()
    steps: StepOptions = lambda name: StepSettings()
    allow_pickle: bool = True


class Launched(NamedTuple):
    """A run that has ended: its record, and what the pipeline returned if it did."""

    record: RunRecord
    result: Any
    error: BaseException | None


def launch(
    pipeline: Pipeline[..., Any], resolved: Resolved, project: Project, target: str, options: Options
) -> Launched:
    """Run a pipeline to its end; whatever happens, the record of the run says it.

    Raises ConfigError and StoreError before anything is recorded. A failure in the run is in `error`.
    """
    if options.engine not in ENGINES:
        raise ConfigError(
            f"no engine {options.engine!r}{nearest(options.engine, ENGINES)}", hint=f"engines: {', '.join(ENGINES)}"
        )
    # Workers are to know the same secrets.
    learn_environment()
    config_text(resolved)
    options = options._replace(watcher=Discreet(options.watcher))
    # The fork server is a fork of this process, so it comes before any store or thread.
    engine = _start_engine(options) if options.engine == "processes" else None
    try:
        with Stores(project) as stores:
            return _Launch(pipeline, resolved, stores, target, options, engine).run()
    finally:
        process_memo.rely_on(None)
        if engine is not None:
            engine.close(now=True)


def _start_engine(options: Options) -> ProcessEngine:
    from solvent.engines.processes import ProcessEngine
    from solvent.runs.isolate import preloadable

    return ProcessEngine(WORKER_ENTRY, options.workers or os.cpu_count() or 1, fork=may_fork(), preload=preloadable())


def may_fork() -> bool:
    """Whether a fork of this process is a safe start for workers: Linux, one thread, no notebook."""
    return sys.platform == "linux" and threading.active_count() == 1 and "ipykernel" not in sys.modules


class _Launch:
    """The parts of one run, put together."""

    def __init__(
        self,
        pipeline: Pipeline[..., Any],
        resolved: Resolved,
        stores: Stores,
        target: str,
        options: Options,
        engine: ProcessEngine | None,
    ) -> None:
        self._pipeline = pipeline
        self._resolved = resolved
        self._stores = stores
        self._options = options
        self._root = str(stores.project.root)
        at = time.time()
        run_id = new_run_id(at)
        memo = StoreMemo(stores.metadata)
        process_memo.rely_on(memo)  # a default of the pipeline may be a large folder
        code = fingerprint_code(pipeline.__wrapped__)
        catalogue.begin(stores.project, None, memo)
        interrupted = self._interrupted(target, code.digest)
        self._record = begin_record(
            run_id,
            at,
            pipeline=pipeline,
            target=target,
            resolved=resolved,
            engine=options.engine,
            seed=options.run_seed,
            code=code.digest,
            resumes=interrupted.id if interrupted else None,
            sweep=options.sweep,
            project=stores.project_name,
        )
        self._git = start_git(self._root)
        self._environment = capture(stores.cache_folder)
        stores.locks.try_lock(lease_name(run_id))
        self._explainer = Explainer(pipeline.name, run_id)
        self._profiler = Profiler(stores)
        self._writer = Writer(
            stores,
            run_id,
            memo=memo,
            explain=self._explainer.why,
            profiler=self._profiler,
            watcher=options.watcher,
            allow_pickle=options.allow_pickle,
        )
        self._runner = Runner(
            stores,
            keyer=Keyer(run_id, run_seed=options.run_seed, root=self._root, environment=self._environment, memo=memo),
            cache=Cache(stores, root=self._root, run_seed=options.run_seed, memo=memo),
            writer=self._writer,
            watcher=options.watcher,
            policy=Policy(
                reuse=options.reuse,
                keep_going=options.keep_going,
                resumes=self._record.resumes,
                steps=options.steps,
            ),
        )
        self._tell_apart()
        self._seal = Seal(self._runner, self._root, self._environment, self._git)
        self._seal.begin(self._record, code)
        self._listeners = Listeners(stores, options.watcher.notice)
        self._driver = self._make_driver(engine)

    def _tell_apart(self) -> None:
        """Say at the first run of a pipeline that another project has one of the same name; or this one's name changed."""
        name, ours = self._pipeline.name, self._stores.project_name
        other = self._stores.metadata.only_of_others(name)
        if other is not None:
            self._options.watcher.notice(
                f"project {other!r} has a pipeline `{name}` in this store too; `latest` is the run of this project,"
                f" {ours!r} (setting `project`)"
            )

    def run(self) -> Launched:
        options, runner = self._options, self._runner
        options.watcher.run_started(self._record.id, self._pipeline.name, self._record.resumes)
        self._listeners.begin(self._record)
        install()
        result: Any = None
        error: BaseException | None = None
        try:
            with gentle_interrupts(self._stop_soon, self._stop_now):
                result = self._body()
                self._driver.finish()
                failed = runner.unhanded_failure()
                if failed is not None:
                    error = runner.error_for(failed)
                elif runner.stopping.is_set():
                    error = RunInterrupted("the run was stopped", hint="run it again to go on from here")
        except KeyboardInterrupt as interrupt:
            runner.stopping.set()
            error = _stopped(interrupt)
        except BaseException as found:
            error = found
        finally:
            uninstall()
            reports.close()
        return self._end(result, error)

    def _body(self) -> Any:
        value = self._resolved.value
        with inside_run(RunTracer(self._runner, self._driver)):
            if self._pipeline.config_type is not None:
                return self._pipeline.__wrapped__(value)
            return self._pipeline.__wrapped__(**value)

    def _end(self, result: Any, error: BaseException | None) -> Launched:
        """Let what runs come to its end, seal the record, and give everything back."""
        try:
            if error is not None:
                self._settle()
            self._writer.flush()
            result_text, error = self._check(result, error)
            record = self._seal.end(self._record, result_text, error)
            self._writer.close()
            self._writer.check()
            self._look_at_data()
            self._listeners.end(record)
        except BaseException as found:
            self._writer.close()
            raise found if error is None or isinstance(found, SolventError) else error from found
        finally:
            self._profiler.close()
            self._listeners.close()
            self._driver.close()
            self._runner.release_all()
            self._stores.locks.unlock(lease_name(self._record.id))
        self._options.watcher.run_ended(
            record.id, record.status, (record.ended_at or 0) - record.started_at, json.loads(record.counts)
        )
        if isinstance(error, StepFailed | RunInterrupted):
            error.run = record
        return Launched(record, result, error)

    def _look_at_data(self) -> None:
        """Wait for the profiles, and tell what there is to say about the data of the run."""
        self._profiler.close()
        for finding in find(self._stores, self._record.id):
            fix = f"; {finding.fix}" if finding.fix else ""
            self._options.watcher.notice(f"{finding.severity}: {finding.subject}: {finding.message}{fix}")

    def _check(self, result: Any, error: BaseException | None) -> tuple[str | None, BaseException | None]:
        """Give the result as it is recorded, or the error that came to light only when the outputs were written."""
        failed = next((each for each in self._runner.states if each.status == "failed" and not each.handed), None)
        if error is None and failed is not None:
            error = self._runner.error_for(failed)
        if error is not None:
            return None, error
        try:
            return self._seal.encode(result), None
        except Exception as found:
            return None, found

    def _settle(self) -> None:
        """After an error in the body nothing new starts; what runs may end, unless it was stopped at once."""
        self._runner.stopping.set()
        self._driver.finish()
        for state in self._runner.states:
            if not state.ended:
                self._runner.release(state)
                self._runner.settle(state, "cancelled", "the run ended before it")

    def _stop_soon(self) -> None:
        self._runner.stopping.set()
        self._driver.wake()
        self._options.watcher.notice("stopping: what runs may finish; press Ctrl-C again to stop now")

    def _stop_now(self) -> None:
        self._driver.stop_now()

    def _make_driver(self, engine: ProcessEngine | None) -> Driver:
        if engine is None:
            return InlineDriver(self._runner, root=self._root, isolate=self._isolate)
        from solvent.runs.pool import PoolDriver
        from solvent.runs.resources import Room

        self._writer.after_commit = engine.wake
        total = Resources(engine.capacity, _memory_mb(), _gpus())
        return PoolDriver(self._runner, engine, self._office(by_name=engine.forked), Room(total, self._resources))

    def _isolate(self) -> Isolation:
        from solvent.runs.isolate import Isolation

        return Isolation(self._runner, self._office(by_name=False), WORKER_ENTRY)

    def _office(self, *, by_name: bool) -> TicketOffice:
        from solvent.runs.tickets import TicketOffice

        return TicketOffice(self._runner, root=self._root, allow_pickle=self._options.allow_pickle, by_name=by_name)

    def _resources(self, step_name: str) -> Resources:
        found = self._options.steps(step_name)
        return Resources(found.cpus or 1, found.memory_mb or 0, found.gpus or 0)

    def _interrupted(self, target: str, code: str) -> RunRecord | None:
        if self._options.fresh:
            return None
        config = config_text(self._resolved)
        for run in self._stores.metadata.find_interrupted(target, config, code):
            if status_of(run, self._stores.locks) == "interrupted":
                return run
        return None


def _stopped(interrupt: KeyboardInterrupt) -> RunInterrupted:
    error = RunInterrupted("the run was stopped", hint="run it again to go on from here")
    error.__cause__ = interrupt
    return error


def _memory_mb() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    except (AttributeError, ValueError, OSError):
        return 1 << 20


def _gpus() -> int:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([each for each in visible.split(",") if each.strip() not in ("", "-1")])
    try:
        return len([name for name in os.listdir("/dev") if name.startswith("nvidia") and name[6:].isdigit()])
    except OSError:
        return 0
