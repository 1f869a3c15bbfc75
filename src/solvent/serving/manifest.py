"""The manifest of a bundle: all that it is made of, as JSON whose digest is the bundle's name."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from solvent.errors import BundleError
from solvent.model import ArtifactRef, Blob, Identity
from solvent.serving.holes import Hole
from solvent.serving.schema import Schema, schema_from, schema_tree

FORMAT = 1
"""A bundle of a later format is refused: it may mean something that this version does not know."""


@dataclass(frozen=True, slots=True)
class Call:
    """One live step: `function` is its "module:qualname", `arguments` the stored mapping of parameters, with holes.

    `fields` are the declared fields of what it returns, empty for a whole; `code` is the digest of its code's fingerprint.
    """

    step: str
    function: str
    arguments: ArtifactRef
    fields: tuple[str, ...]
    code: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle is made of.

    `calls` are the live steps in the order of the run, `frozen` the artifacts that they take, `response` the place of the
    answer. `files` maps each file of the bundle to its SHA-256; `packages` each distribution that the slice needs to its
    version; `python` is major.minor.
    """

    endpoint: str
    python: str
    packages: Mapping[str, str]
    calls: tuple[Call, ...]
    frozen: tuple[ArtifactRef, ...]
    answer: Hole
    request: Schema
    response: Schema
    files: Mapping[str, str]
    backend: str = "python"
    tolerance: float = 1e-9

    def to_bytes(self) -> bytes:
        """Write it: equal manifests give equal bytes."""
        tree = {
            "format": FORMAT,
            "endpoint": self.endpoint,
            "backend": self.backend,
            "tolerance": self.tolerance,
            "python": self.python,
            "packages": dict(self.packages),
            "pickled": self.pickled,
            "calls": [_call_tree(each) for each in self.calls],
            "frozen": [artifact_tree(each) for each in self.frozen],
            "answer": [self.answer.kind, self.answer.index, list(self.answer.path)],
            "request": schema_tree(self.request),
            "response": schema_tree(self.response),
            "files": dict(self.files),
        }
        return json.dumps(tree, sort_keys=True, ensure_ascii=False, indent=1).encode() + b"\n"

    @property
    def digest(self) -> str:
        return sha256(self.to_bytes()).hexdigest()

    def artifacts(self) -> Iterator[ArtifactRef]:
        """Give all artifacts that are loaded, and those within them: what is frozen, and what the live steps are given."""
        waiting = [*self.frozen, *(call.arguments for call in self.calls)]
        while waiting:
            one = waiting.pop()
            yield one
            waiting += one.children

    def blobs(self) -> list[Blob]:
        return [blob for artifact in self.artifacts() for blob in artifact.blobs]

    @property
    def pickled(self) -> list[str]:
        """The types of what is stored with pickle: loading the bundle runs what they name."""
        return sorted({each.type for each in self.artifacts() if each.format == "pickle"})


def read_manifest(data: bytes) -> Manifest:
    """Read what `to_bytes` wrote; BundleError if it is of a later format or no manifest."""
    try:
        tree = json.loads(data)
        if tree["format"] != FORMAT:
            raise BundleError(
                f"this bundle has format {tree['format']}, and this version of Solvent reads format {FORMAT}",
                hint="install the version of Solvent that its requirements.txt names",
            )
        kind, index, path = tree["answer"]
        return Manifest(
            endpoint=tree["endpoint"],
            python=tree["python"],
            packages={str(name): str(version) for name, version in tree["packages"].items()},
            calls=tuple(_call_from(each) for each in tree["calls"]),
            frozen=tuple(artifact_from(each) for each in tree["frozen"]),
            answer=Hole(kind, index, tuple(path)),
            request=schema_from(tree["request"]),
            response=schema_from(tree["response"]),
            files={str(name): str(digest) for name, digest in tree["files"].items()},
            backend=tree["backend"],
            tolerance=tree["tolerance"],
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BundleError(
            f"the manifest of the bundle can't be read: {type(error).__name__}: {error}",
            hint="copy the whole folder again, or make the bundle again",
        ) from error


def artifact_tree(ref: ArtifactRef) -> dict[str, Any]:
    """Give an artifact's record as plain JSON values."""
    return {
        "digest": ref.digest,
        "type": ref.type,
        "classes": list(ref.identity.classes),
        "format": ref.format,
        "size_bytes": ref.size_bytes,
        "inline": None if ref.inline is None else base64.b64encode(ref.inline).decode(),
        "blobs": [list(blob) for blob in ref.blobs],
        "meta": dict(ref.meta),
        "children": [artifact_tree(child) for child in ref.children],
    }


def artifact_from(tree: Mapping[str, Any]) -> ArtifactRef:
    """Read what `artifact_tree` gave."""
    return ArtifactRef(
        Identity(tree["digest"], tree["type"], tuple(tree["classes"])),
        tree["format"],
        tree["size_bytes"],
        None if tree["inline"] is None else base64.b64decode(tree["inline"]),
        tuple(Blob(*each) for each in tree["blobs"]),
        tree["meta"],
        tuple(artifact_from(each) for each in tree["children"]),
    )


def _call_tree(call: Call) -> dict[str, Any]:
    return {
        "step": call.step,
        "function": call.function,
        "arguments": artifact_tree(call.arguments),
        "fields": list(call.fields),
        "code": call.code,
    }


def _call_from(tree: Mapping[str, Any]) -> Call:
    arguments = artifact_from(tree["arguments"])
    return Call(tree["step"], tree["function"], arguments, tuple(tree["fields"]), tree["code"])
