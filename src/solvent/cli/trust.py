"""`solvent trust`: vouch for an artifact of another project whose reading runs code, or list what was vouched for."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import moment, print_json, table
from solvent.errors import NotFoundError, SolventError
from solvent.metadata.trust import add_trust, find_writers, list_trusted, remove_trust

if TYPE_CHECKING:
    from solvent.model import ArtifactRef
    from solvent.runs.stores import Stores


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument(
        "digest", metavar="DIGEST", nargs="?", help="the beginning of an artifact's digest; without it, what is trusted"
    )
    parser.add_argument("--remove", action="store_true", help="trust it no more")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    with open_stores() as stores:
        if arguments.digest:
            return _change(arguments, stores)
        if arguments.remove:
            raise SolventError("--remove needs the digest to remove", hint="`solvent trust` lists them")
        trusted = list_trusted(stores.metadata)
    if arguments.json:
        print_json([each._asdict() for each in trusted])
    elif trusted:
        print(table(("digest", "by", "since"), [(each.digest[:16], each.author, moment(each.at)) for each in trusted]))
    else:
        print("nothing is trusted; artifacts of this project need no trust")
    return 0


def _change(arguments: Namespace, stores: Stores) -> int:
    from solvent.runs.facts import user_name

    metadata = stores.metadata
    if arguments.remove:
        digest = _trusted(arguments.digest, stores)
        with metadata.transaction():
            remove_trust(metadata, digest)
        facts: dict[str, Any] = {"digest": digest, "trusted": False}
        words = f"{digest[:12]} is trusted no more"
    else:
        artifact = metadata.find_artifact(arguments.digest)
        with metadata.transaction():
            add_trust(metadata, artifact.digest, user_name())
        facts, words = _facts(artifact, stores)
    if arguments.json:
        print_json(facts)
    else:
        print(words)
    return 0


def _trusted(beginning: str, stores: Stores) -> str:
    found = [each.digest for each in list_trusted(stores.metadata) if each.digest.startswith(beginning)]
    if len(found) == 1:
        return found[0]
    problem = f"{beginning!r} begins {len(found)} trusted digests" if found else f"{beginning!r} is not trusted"
    raise NotFoundError(problem, hint="`solvent trust` lists what is")


def _facts(artifact: ArtifactRef, stores: Stores) -> tuple[dict[str, Any], str]:
    from solvent.artifacts.saving import runs_code
    from solvent.runs.trust import is_own, whose
    from solvent.runs.words import short_type, size_text

    writers = find_writers(stores.metadata, artifact.digest, artifact.type)
    own = any(is_own(each, stores.project_name) for each in writers)
    facts = {"digest": artifact.digest, "trusted": True, "type": artifact.type, "format": artifact.format}
    words = f"trusted {artifact.digest[:12]}: {short_type(artifact.type)}, {size_text(artifact.size_bytes)},"
    words += " of this project" if own else f" made by {whose(writers)}"
    if own or not runs_code(artifact):
        words += "; it needed no trust"
    return {**facts, "writers": [each._asdict() for each in writers]}, words
