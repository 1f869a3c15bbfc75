"""The public verbs: run, plan, why, diff, load, dataset and runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from solvent.config.project import Project, Settings, StepSettings
from solvent.config.resolve import Resolved, resolve_config
from solvent.errors import AuthoringError, ConfigError, NotFoundError, RunInterrupted, StepFailed, nearest
from solvent.pipelines.context import tracer
from solvent.pipelines.pipeline import Pipeline
from solvent.runs.events import Silent, Watcher
from solvent.runs.launch import Launched, Options, launch
from solvent.runs.runner import StepOptions
from solvent.runs.stores import Stores
from solvent.runs.views import Artifact, Run, StepRun

if TYPE_CHECKING:
    from solvent.runs.datasets import Dataset, DatasetVersion
    from solvent.runs.remake import Remaking

_OPTIONS = ("engine", "workers", "profile", "config_files", "sets", "run_seed", "reuse", "fresh", "keep_going", "steps")


def run(pipeline: Pipeline[..., Any], config: Any = None, /, *, watcher: Watcher | None = None, **given: Any) -> Run:
    """Run a pipeline in this process and give its record back, once all of it is durable.

    `config` is the pipeline's config object, or a dict of its keyword parameters, which may be given as keywords too.
    Further keywords: `engine` ("inline" or "processes"), `workers`, `profile`, `config_files`, `sets` (as `--set`),
    `run_seed`, `reuse`, `fresh`, `keep_going`, `steps` (as `{"fit": {"cpus": 2}}`). A keyword that the pipeline declares is
    the pipeline's.

    Raises StepFailed if a step failed, RunInterrupted if it was stopped; both carry the record as `run`. An error of the
    pipeline's own body passes through as it is.
    """
    check_pipeline(pipeline)
    parameters, chosen = _sort_keywords(pipeline, given)
    project = Project.find(profile=chosen.get("profile"))
    resolved = resolve(pipeline, project, _merge_given(config, parameters), chosen)
    options = run_options(project, chosen, watcher or Silent(), default_engine="inline")
    launched = launch(pipeline, resolved, project, target_of(pipeline, project), options)
    found = view(launched, project)
    if launched.error is not None:
        if isinstance(launched.error, StepFailed | RunInterrupted):
            launched.error.run = found
        raise launched.error
    return found


def view(launched: Launched, project: Project) -> Run:
    """Give the record of a run that has just ended."""
    return Run(launched.record, Stores(project, create=False))


def check_pipeline(pipeline: Any) -> None:
    if not isinstance(pipeline, Pipeline):
        raise AuthoringError(
            f"expected a pipeline, found {pipeline!r}",
            hint="decorate the function with @pipeline, or call a step as a function",
        )
    if tracer.get() is not None:
        raise AuthoringError(
            f"run({pipeline.name}) inside a pipeline", hint=f"call it as a function: {pipeline.name}(...)"
        )


def resolve(pipeline: Pipeline[..., Any], project: Project, given: Any, chosen: dict[str, Any]) -> Resolved:
    """Merge all layers of the pipeline's config."""
    settings = project.settings
    return resolve_config(
        pipeline.config_type,
        pipeline.parameters,
        project_root=project.root,
        base_folder=os.path.dirname(pipeline.file) if os.path.isabs(pipeline.file) else os.getcwd(),
        profile=chosen.get("profile") or settings.profile,
        config_files=chosen.get("config_files") or (),
        sets=chosen.get("sets") or (),
        given=given,
        pipeline=pipeline.name,
        config_folder=settings.config_folder,
        known_profiles=tuple(settings.profiles),
        cache_folder=project.config_cache,
    )


def run_options(project: Project, chosen: dict[str, Any], watcher: Watcher, *, default_engine: str) -> Options:
    """Put the options of a run together from the project's settings and what was asked for."""
    settings = project.settings
    workers = chosen.get("workers") or settings.workers
    run_seed = chosen.get("run_seed")
    return Options(
        engine=chosen.get("engine") or settings.engine or default_engine,
        workers=workers,
        run_seed=settings.seed if run_seed is None else run_seed,
        reuse=chosen.get("reuse", True),
        fresh=chosen.get("fresh", False),
        keep_going=chosen.get("keep_going", False),
        sweep=chosen.get("sweep"),
        watcher=watcher,
        steps=_step_options(settings, chosen.get("steps") or {}),
        allow_pickle=settings.allow_pickle,
    )


def _step_options(settings: Settings, asked: Mapping[str, Mapping[str, Any]]) -> StepOptions:
    """Give what is set for a step: on the command line, else in the project, for it or for all ("*")."""

    def find(name: str) -> StepSettings:
        return settings.step(name)._replace(**asked.get("*", {}), **asked.get(name, {}))

    return find


def target_of(pipeline: Pipeline[..., Any], project: Project) -> str:
    """Name a pipeline by its file, relative to the project where that is possible, so that every folder gives one name."""
    file = pipeline.file
    if os.path.isabs(file):
        below = os.path.relpath(file, project.root)
        file = file if below.startswith("..") else below
    return f"{file.replace(os.sep, '/')}:{pipeline.qualname}"


def runs(pipeline: Pipeline[..., Any] | str | None = None, *, limit: int = 20, **filters: Any) -> list[Run]:
    """List runs, newest first, of one pipeline or of all; filters are `status`, `tag` and `project`.

    A pipeline itself stands for its runs in this project; its name for those of every project in the store.
    """
    name = pipeline.name if isinstance(pipeline, Pipeline) else pipeline
    stores = Stores(Project.find(), create=False)
    if isinstance(pipeline, Pipeline):
        filters = {"project": stores.project_name, **filters}
    return [Run(record, stores) for record in stores.metadata.list_runs(pipeline=name, limit=limit, **filters)]


def load(reference: str) -> Any:
    """Read a dataset version, an output of a step, or any artifact.

    `reference` is "flights" (the current version), "flights@7", "flights@latest~1" or "flights@ab12cd" (the beginning of a
    digest), "run/step", "run/step[1]" or "run/step.field", or the beginning of an artifact's digest.
    """
    from solvent.runs.references import find_output

    return find_output(reference, Stores(Project.find(), create=False)).value()


def dataset(name: str) -> Dataset:
    """Give a dataset, to look at its versions: `dataset("flights").latest`, `[7]`, `["latest~1"]`, `["ab12cd"]`.

    Each version has `value()`, `profile`, `made_by`, `uses` and `consumers`. NotFoundError if there is no such dataset.
    """
    from solvent.runs.datasets import find_dataset

    return find_dataset(name, Stores(Project.find(), create=False))


def remake(what: Run | Artifact | str, /, *, uncached: bool = False) -> Remaking:
    """Execute the steps again that made a run or an artifact, and compare what they give with the record.

    `what` is a run, an artifact, or what `solvent.load` takes. It is done in a process of its own, with the recorded code,
    config, inputs and seed. `ok` tells whether all of it has the recorded digests; each of `artifacts` says `why` not.
    A step with `cache=False` is executed only with `uncached`.
    """
    from solvent.runs.remake import names_of, outputs_of, remake

    stores = Stores(Project.find(), create=False)
    if isinstance(what, Run):
        names = outputs_of(what.id, stores)
    else:
        names = names_of(what, stores) if isinstance(what, str) else [(what.digest, what.type)]
    return remake(stores, names, uncached=uncached, anew=True)


def why(step_run: StepRun | Any) -> str:
    """Say why a step run was executed or reused."""
    return str(step_run.why)


def diff(first: Run | DatasetVersion, second: Run | DatasetVersion, *, paired: bool | None = None) -> Any:
    """Compare two runs: code, config, data, environment, seed and metrics; only what differs.

    A metric with 95 % intervals says whether these show a difference. Where both runs evaluated the same rows, their stored
    predictions are resampled together; `paired=True` does so however large they are, `paired=False` never. Of two versions
    of a dataset it gives what `solvent data diff` shows.
    """
    if not isinstance(first, Run) and not isinstance(second, Run):
        from solvent.runs.datadiff import compare_versions

        return compare_versions(first, second)
    if not (isinstance(first, Run) and isinstance(second, Run)):
        raise AuthoringError("diff() compares two runs, or two versions of a dataset", hint="give two of one kind")
    from solvent.runs.compare import compare

    return compare(first, second, paired=paired)


def plan(pipeline: Pipeline[..., Any], config: Any = None, /, **given: Any) -> Any:
    """Say, without running anything, what each call would do, and why."""
    from solvent.runs.planning import make_plan

    check_pipeline(pipeline)
    parameters, chosen = _sort_keywords(pipeline, given)
    project = Project.find(profile=chosen.get("profile"))
    resolved = resolve(pipeline, project, _merge_given(config, parameters), chosen)
    options = run_options(project, chosen, Silent(), default_engine="inline")
    return make_plan(pipeline, resolved, project, options)


def _sort_keywords(pipeline: Pipeline[..., Any], given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    declared = pipeline.parameters or {}
    parameters = {name: value for name, value in given.items() if name in declared}
    chosen = {name: value for name, value in given.items() if name not in declared}
    for name in chosen:
        if name not in _OPTIONS:
            raise ConfigError(
                f"unknown keyword {name!r}{nearest(name, [*declared, *_OPTIONS])}",
                hint=f"{pipeline.name} takes {', '.join(declared) or 'a config object'}; run() takes {', '.join(_OPTIONS)}",
            )
    return parameters, chosen


def _merge_given(config: Any, parameters: dict[str, Any]) -> Any:
    if not parameters:
        return config
    if config is None:
        return parameters
    if isinstance(config, dict):
        return {**config, **parameters}
    raise ConfigError("give a config object or keywords, not both")


def find_run(reference: str | Run, *, pipeline: str | None = None, stores: Stores | None = None) -> Run:
    """Find the run that a person means: an id or the beginning or end of one, "latest", "latest~1"."""
    if isinstance(reference, Run):
        return reference
    stores = stores or Stores(Project.find(), create=False)
    return Run(stores.metadata.find_run(reference, pipeline), stores)


__all__: Sequence[str] = (
    "NotFoundError",
    "Run",
    "dataset",
    "diff",
    "find_run",
    "load",
    "plan",
    "remake",
    "run",
    "runs",
    "why",
)
