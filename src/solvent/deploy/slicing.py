"""Cutting a slice out of a recorded run, in a process of its own: with the code, config and results of that run."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

from solvent.errors import BundleError, SolventError
from solvent.pipelines.places import raising_line
from solvent.runs.scripts import was_script
from solvent.runs.workplaces import CUTTING, workplace

if TYPE_CHECKING:
    from solvent.config.project import Project
    from solvent.deploy.slice import Slice
    from solvent.pipelines.endpoint import Contract, Endpoint
    from solvent.runs.demand import Demand
    from solvent.runs.stores import Stores


class Declaration(NamedTuple):
    """What an endpoint declares, without its pipeline: plain values that another process can have."""

    name: str
    request: str
    response: str
    contract: Contract
    label: str | None
    columns: tuple[str, ...]
    backend: str


class Order(NamedTuple):
    """What the process is to do: cut the slice of a run and write its bundle into `folder`, and its answer to `answer`."""

    project: Project
    run_id: str
    declaration: Declaration
    folder: str
    answer: str


def declared(endpoint: Endpoint) -> Declaration:
    """Take what is declared off an endpoint."""
    e = endpoint
    return Declaration(e.name, e.request, e.response, e.contract, e.label, tuple(e.columns), e.backend)


def write_bundle(declaration: Declaration, run_id: str, stores: Stores, folder: str) -> str:
    """Write the bundle of a run into a folder and give its digest; BundleError says why there is none."""
    _check_module(declaration.name, run_id, stores)
    place = os.path.join(stores.home, "tmp")
    with workplace(place, CUTTING, stores.locks) as own:
        order = Order(stores.project, run_id, declaration, os.path.abspath(folder), f"{own}/answer")
        path = [os.path.abspath(each) for each in sys.path]
        ours = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        code = (
            f"import sys; sys.path.append({ours!r}); "
            f"from solvent.deploy.slicing import main; sys.path[:] = {path!r}; main()"
        )
        ended = subprocess.run(
            [sys.executable, "-P", "-c", code], input=pickle.dumps(order), stdout=sys.stderr, check=False
        )
        try:
            with open(order.answer, "rb") as file:
                answer: str | SolventError = pickle.load(file)
        except OSError:
            raise BundleError(f"the process that cuts the slice ended with exit code {ended.returncode}") from None
    if isinstance(answer, SolventError):
        raise answer
    return answer


def _check_module(endpoint: str, run_id: str, stores: Stores) -> None:
    """Refuse what no other process could import: a pipeline of a notebook, of a function, or of a script as `__main__`."""
    run = stores.metadata.find_run(run_id)
    place, _, name = run.target.rpartition(":")
    if place.startswith("<") or "<locals>" in name:
        raise BundleError(
            f"endpoint {endpoint!r}: the pipeline of run {run_id} was written in a notebook or inside a function",
            hint="move its steps and the pipeline to the top level of a module's file, and run it: solvent run FILE.py",
        )
    if was_script(place, run.command):
        raise BundleError(
            f"endpoint {endpoint!r}: run {run_id} was started by the script {place} itself, as the module __main__",
            hint=f"run it as a module, which reuses what is there: solvent run {run.target}",
        )


def main() -> None:
    """Read an order from standard input, do it, and write the answer to the file that it names."""
    from solvent.runs.demand import Lost

    order: Order = pickle.load(sys.stdin.buffer)
    answer: str | SolventError
    try:
        answer = _write(order)
    except Lost as lost:
        answer = BundleError(f"run {order.run_id} can't be followed: {lost.why}")
    except SolventError as error:
        answer = error
    except Exception as error:
        answer = BundleError(
            f"the slice of run {order.run_id} can't be made: {type(error).__name__}: {error}", where=raising_line(error)
        )
    with open(order.answer, "wb") as file:
        pickle.dump(answer, file)


def _write(order: Order) -> str:
    from solvent.deploy.bundling import Bundler
    from solvent.deploy.live import check_live
    from solvent.deploy.recorded import annotate
    from solvent.deploy.slice import cut
    from solvent.runs.reenact import Reenactment, Request
    from solvent.runs.stores import Stores

    with Stores(order.project, create=False) as stores:
        request = Request(order.project, order.run_id, (), False, False, order.answer)
        traced = Reenactment(request, stores).trace()
        found = cut(order.declaration, traced.demand, traced.result)
        _check_same(found, traced.demand, order.run_id)
        check_live(order.declaration.name, found, traced)
        found = _with_columns(order.declaration, found, traced.demand)
        bundler = Bundler(order.declaration, found, traced.demand, stores.blobs, order.folder)
        manifest = bundler.write(annotate(order.run_id, found, order.declaration.label), stores)
        return manifest.digest


def _with_columns(declaration: Declaration, found: Slice, demand: Demand) -> Slice:
    """Leave out of the request what the response is proved not to depend on."""
    from solvent.deploy.columns import needed_columns
    from solvent.deploy.rerun import Rerun

    run = Rerun(found, demand)
    request, response = run.recorded(found.request), run.recorded(found.response)
    needed = needed_columns(declaration, [state.call for state in demand.states], run, request, response)
    return found if needed is None else found._replace(all_columns=needed.all_names, left_out=needed.left_out)


def _check_same(found: Slice, demand: Demand, run_id: str) -> None:
    """Give the live calls their keys: they must be those of the record, or this is not the code that ran."""
    for call in found.live:
        if told := demand.key(demand.states[call.index]):
            raise BundleError(
                f"step `{demand.states[call.index].label}` is not as it was in run {run_id}: {'; '.join(told)}",
                hint="run the pipeline again, and make the bundle of that run",
            )
