"""A slice as a bundle: code, frozen artifacts, schemas and lock in one folder that needs no store."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from solvent.artifacts.saving import save
from solvent.deploy.locks import Environment, imported_by, make_lock
from solvent.deploy.naming import name_of
from solvent.deploy.onnx import is_convertible, to_onnx
from solvent.deploy.proof import module_of, prove, refuse
from solvent.deploy.rerun import whole_with_request
from solvent.deploy.schemas import check_comes_back, example_rows, schema_of, with_training
from solvent.deploy.selection import without
from solvent.deploy.slice import Slice
from solvent.deploy.slicing import Declaration
from solvent.deploy.sources import WHOLE, reduce_sources
from solvent.deploy.statistics import statistics_of
from solvent.environments.capture import capture
from solvent.errors import BundleError
from solvent.fingerprint.values import identify
from solvent.model import ArtifactRef, Blobs
from solvent.pipelines.containers import replace_refs
from solvent.pipelines.ref import Ref, call_of, describe, path_of
from solvent.plan.graph import Call as PlanCall
from solvent.runs.dataflow import Node
from solvent.runs.demand import Demand
from solvent.serving.folder import ANNOTATIONS, BLOBS, CODE, EXAMPLES, LOCK, MANIFEST, FolderBlobs
from solvent.serving.holes import CALL, FROZEN, REQUEST, Hole
from solvent.serving.manifest import Call, Manifest
from solvent.serving.statistics import STATISTICS, to_bytes

if TYPE_CHECKING:
    from solvent.runs.stores import Stores

EXAMPLE_ROWS = 32


class Bundler:
    """Writes the bundle of one slice into a folder; the same slice gives the same bytes."""

    def __init__(
        self,
        endpoint: Declaration,
        slice: Slice,
        demand: Demand,
        stored: Blobs,
        folder: str,
    ) -> None:
        self._endpoint = endpoint
        self._slice = slice
        self._demand = demand
        self._states = demand.states
        self._stored = stored
        self._folder = folder
        self._blobs: Any = FolderBlobs(os.path.join(folder, BLOBS))
        self._frozen: list[ArtifactRef] = []
        self._places = {call.index: place for place, call in enumerate(slice.live)}

    def write(self, annotations: Mapping[str, Any], stores: Stores) -> Manifest:
        calls = tuple(self._call(call) for call in self._slice.live)
        request, response = self._request(), self._value(self._slice.response)
        self._write_code()
        sensitive = stores.project.settings.sensitive_columns
        asked = schema_of(request, self._slice.columns or self._endpoint.columns, sensitive)
        answered = schema_of(response, (), sensitive)
        statistics = statistics_of(self._slice, self._demand, stores, asked, answered)
        asked = with_training(asked, statistics.request)
        examples = example_rows(request, response, EXAMPLE_ROWS, asked, answered)
        check_comes_back(asked, examples["request"])
        self._file(EXAMPLES, json.dumps(examples, ensure_ascii=False).encode())
        self._file(STATISTICS, to_bytes(statistics))
        manifest = Manifest(
            endpoint=self._endpoint.name,
            python=".".join(platform.python_version_tuple()[:2]),
            packages={},
            calls=calls,
            frozen=tuple(self._frozen),
            answer=Hole(CALL, self._places[self._slice.response.position], _path(self._slice.response.field)),
            request=asked,
            response=answered,
            files=self._digests(),
            backend=self._endpoint.backend,
            tolerance=self._endpoint.contract.tolerance,
        )
        if manifest.pickled and not stores.project.settings.allow_pickle:
            raise BundleError(
                f"{', '.join(manifest.pickled)} is stored with pickle, which this project forbids",
                hint="return plain data, arrays or tables from the steps, or set allow_pickle = true",
            )
        self._file(MANIFEST, manifest.to_bytes())
        lock = make_lock(
            self._modules(manifest), imported_by(self._folder), _environment_of(annotations["run"], stores)
        )
        self._file(LOCK, lock.text.encode())
        files = {**manifest.files, LOCK: sha256(lock.text.encode()).hexdigest()}
        manifest = replace(manifest, packages=lock.packages, files=dict(sorted(files.items())))
        self._file(MANIFEST, manifest.to_bytes())
        run = stores.metadata.find_run(annotations["run"])
        told = {"started_at": run.started_at, "ended_at": run.ended_at, "git_commit": run.git_commit}
        self._file(ANNOTATIONS, json.dumps({**annotations, **told}, indent=1, sort_keys=True).encode())
        return manifest

    def _modules(self, manifest: Manifest) -> set[str]:
        """Name the top-level modules that code, frozen artifacts and schemas name."""
        kinds = [manifest.request.container, manifest.response.container, *(each.type for each in manifest.artifacts())]
        tops = {kind.partition(":")[0].partition(".")[0] for kind in kinds}
        return tops.union(*(code.packages for call in self._slice.live if (code := self._states[call.index].code)))

    def _write_code(self) -> None:
        """Write the code of the live steps, reduced to what they need, or, where that is not the same, whole modules."""
        recorded = {name_of(call.step): code for call in self._slice.live if (code := self._states[call.index].code)}
        wanted = [_top(function) for function in recorded]
        for code in recorded.values():
            wanted += [
                (module, each.name[len(module) + 1 :].partition(".")[0] or WHOLE)
                for each in code.symbols
                if (module := module_of(each.name))
            ]
        wanted += [_top(name) for artifact in self._frozen for name in classes_of(artifact)]
        own = {name: code for name, code in recorded.items() if not name.startswith("solvent.")}
        for attempt in (wanted, [(module, WHOLE) for module, _ in wanted]):
            for name, text in reduce_sources(attempt).items():
                self._file(f"{CODE}/{name}", text)
            try:
                differing = prove(os.path.join(self._folder, CODE), own) if own else []
            except BundleError as error:
                failed = error
                continue
            if not differing:
                return
            failed = refuse(differing)
        raise failed

    def _call(self, call: PlanCall) -> Call:
        template = {name: replace_refs(given, self._hole) for name, given in call.arguments.items()}
        stored = save(template, identify(template, path=call.step.spec.name), self._blobs)
        spec = call.step.spec
        code = self._states[call.index].code
        return Call(
            spec.name,
            name_of(call.step),
            stored,
            tuple(call.step.fields or ()),
            code.digest if code else "",
        )

    def _hole(self, ref: Ref) -> Any:
        index, path = call_of(ref).index, path_of(ref)
        request = self._slice.request
        if index == request.position and path[: len(_path(request.field))] == _path(request.field):
            return Hole(REQUEST, 0, path[len(_path(request.field)) :])
        if index == request.position and not path:
            return whole_with_request(ref, request.field, self._hole)
        if index in self._places:
            return Hole(CALL, self._places[index], path)
        return Hole(FROZEN, self._freeze(ref))

    def _freeze(self, ref: Ref) -> int:
        artifact = self._demand.artifact_of(ref)
        if artifact is None:
            value = self._demand.value(ref)
            artifact = save(value, identify(value), self._blobs)
        if self._endpoint.backend == "onnx" and is_convertible(artifact.type):
            artifact = self._converted(ref)
        for blob in artifact.all_blobs():
            if self._blobs.missing([blob]) and self._blobs.put(self._stored.read(blob)).digest != blob.digest:
                raise BundleError(
                    f"the stored blob {blob.digest[:12]} is not what its name says", hint="`solvent verify` tells more"
                )
        if artifact not in self._frozen:
            self._frozen.append(artifact)
        return self._frozen.index(artifact)

    def _converted(self, ref: Ref) -> ArtifactRef:
        model = to_onnx(self._demand.value(ref), f"the frozen result of `{describe(ref)}`")
        return save(model, identify(model), self._blobs)

    def _request(self) -> Any:
        """Give the recorded request with the columns that are asked for."""
        request = self._value(self._slice.request)
        names, left_out = self._slice.all_columns, self._slice.left_out
        return without(request, names, left_out) if names and left_out else request

    def _value(self, node: Node) -> Any:
        return self._demand.read(self._states[node.position], _path(node.field))

    def _file(self, name: str, data: bytes) -> None:
        path = os.path.join(self._folder, *name.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)

    def _digests(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for folder, _, names in os.walk(self._folder):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, self._folder).replace(os.sep, "/")] = sha256(file.read()).hexdigest()
        return dict(sorted(found.items()))


def _path(field: str) -> tuple[str, ...]:
    return (field,) if field else ()


def _top(name: str) -> tuple[str, str]:
    """Give the module of "module:qualname" and the name at its top level."""
    module, _, path = name.partition(":")
    return module, path.partition(".")[0]


def classes_of(artifact: ArtifactRef) -> Iterator[str]:
    """Give the user's classes whose instances an artifact holds."""
    yield from artifact.identity.classes
    for child in artifact.children:
        yield from classes_of(child)


def _environment_of(run_id: str, stores: Stores) -> Environment:
    """Give the distributions that a run recorded; of one without a record, those that are here."""
    here = capture(stores.cache_folder)
    digest = stores.metadata.find_run(run_id).environment
    found = stores.metadata.load_environment(digest) if digest else None
    if found is None:
        return Environment(here.modules, dict(here.distributions), here.lock)
    record, lock = found
    return Environment(here.modules, json.loads(record)["distributions"], lock)
