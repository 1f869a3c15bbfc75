"""`solvent pin`: keep a run or artifact, with all that it reaches, from every clean-up."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import moment, print_json, table
from solvent.errors import NotFoundError, SolventError

if TYPE_CHECKING:
    from solvent.metadata.pins import Pin
    from solvent.runs.stores import Stores

_BY_HAND = "pinned by hand"


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument(
        "what",
        metavar="WHAT",
        nargs="?",
        help="a run; or an artifact: the beginning of its digest, or RUN/STEP.FIELD; without it all pins are listed",
    )
    parser.add_argument("--reason", metavar="TEXT", help=f"why ({_BY_HAND})")
    parser.add_argument("--remove", action="store_true", help="take the pin away; with --reason only that one")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.metadata.pins import list_pins

    with open_stores() as stores:
        if arguments.what is None:
            if arguments.remove or arguments.reason:
                raise SolventError("this needs WHAT: a run or an artifact", hint="`solvent pin` alone lists the pins")
            return _show(list_pins(stores.metadata), arguments.json)
        kind, subject, label = _find(arguments.what, stores)
        if arguments.remove:
            _remove(stores, kind, subject, arguments.reason, label)
        else:
            _add(stores, kind, subject, arguments.reason, label)
        pins = list_pins(stores.metadata, kind, subject)
    if arguments.json:
        print_json({"kind": kind, "subject": subject, "pins": [pin._asdict() for pin in pins]})
    else:
        print(f"{label}: " + ("; ".join(pin.reason for pin in pins) if pins else "no longer pinned"))
    return 0


def _add(stores: Stores, kind: str, subject: str, reason: str | None, label: str) -> None:
    from solvent.metadata.pins import add_pin
    from solvent.runs.facts import user_name

    if reason is not None and not reason.strip():
        raise SolventError("the reason is empty", hint=f"leave it out to say {_BY_HAND!r}")
    with stores.metadata.transaction():
        if kind == "run" and stores.metadata.find_run(subject).status == "cleaned":
            raise NotFoundError(f"{label} was cleaned away", hint="pin what others reuse of it as an artifact")
        add_pin(stores.metadata, kind, subject, reason or _BY_HAND, user_name())


def _remove(stores: Stores, kind: str, subject: str, reason: str | None, label: str) -> None:
    from solvent.metadata.pins import list_pins, remove_pins

    with stores.metadata.transaction():
        there = [pin.reason for pin in list_pins(stores.metadata, kind, subject)]
        if not remove_pins(stores.metadata, kind, subject, reason):
            known = f"its reasons: {'; '.join(there)}" if there else "`solvent pin` lists what is"
            raise NotFoundError(f"{label} is not pinned" + (f" for {reason!r}" if reason else ""), hint=known)


def _find(reference: str, stores: Stores) -> tuple[str, str, str]:
    """Give the kind and the subject of what is meant, and what to call it."""
    from solvent.metadata.pins import ARTIFACT, RUN, artifact_subject
    from solvent.runs.references import find_output, is_output

    try:
        if not is_output(reference):
            run = stores.metadata.find_run(reference)
            return RUN, run.id, f"run {run.id}"
    except NotFoundError as no_run:
        try:
            found = stores.metadata.find_artifact(reference)
        except NotFoundError:
            raise no_run from None
    else:
        named = find_output(reference, stores)
        found = stores.metadata.find_artifact(named.digest, named.type)
    return ARTIFACT, artifact_subject(found.digest, found.type), f"artifact {found.digest[:12]}"


def _show(pins: list[Pin], as_json: bool) -> int:
    if as_json:
        print_json([pin._asdict() for pin in pins])
        return 0
    rows = [(pin.kind, pin.subject.partition(" ")[0][:22], pin.reason, pin.author, moment(pin.at)[:16]) for pin in pins]
    print(table(("kind", "what", "reason", "by", "since"), rows, stretch=2) if rows else "nothing is pinned")
    return 0
