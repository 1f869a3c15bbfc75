"""A dataset version as a Croissant dataset (specification 1.1): its description and its data, in one folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from solvent.errors import FormatError
from solvent.metadata.datasets import DatasetVersion
from solvent.model import ArtifactRef
from solvent.profiles.records import ColumnProfile, Profile
from solvent.runs.stores import Stores

_PARQUET = ("data.parquet", "application/x-parquet")
_FILES = {"pandas": _PARQUET, "polars": _PARQUET, "arrow": _PARQUET, "npy": ("data.npy", "application/octet-stream")}
"""The name and media type of the file that a format is stored as."""

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def export_croissant(
    version: DatasetVersion, artifact: ArtifactRef, profile: Profile | None, stores: Stores, folder: str, **words: str
) -> str:
    """Write the data of a version and `croissant.json` into a new folder, and give the path of the latter.

    The data file has the very bytes of the store. `words` are `license`, `description`, `creator` and `url`, for which
    nothing is recorded. FormatError if the version is not stored as one file.
    """
    name, media, content = _file(artifact, stores)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as data:
        data.write(content)
    described = describe(version, profile, DataFile(name, media, len(content), sha256(content).hexdigest()), **words)
    path = os.path.join(folder, "croissant.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(described, file, ensure_ascii=False, indent=2)
    return path


class DataFile(NamedTuple):
    """The file that holds the data: its name, media type, size and SHA-256."""

    name: str
    media: str
    size_bytes: int
    sha256: str


def _file(artifact: ArtifactRef, stores: Stores) -> tuple[str, str, memoryview]:
    name, media = _FILES.get(artifact.format, ("", ""))
    if not name:
        raise FormatError(
            f"a version stored as {artifact.format} can't be exported as Croissant",
            hint="Croissant describes files: name a dataset whose versions are tables or arrays",
        )
    content = stores.blobs.map(artifact.blobs[0]) if artifact.blobs else memoryview(artifact.inline or b"")
    return name, media, content


def describe(version: DatasetVersion, profile: Profile | None, file: DataFile, **words: str) -> dict[str, Any]:
    """Give the description of a version as JSON-LD."""
    made = datetime.fromtimestamp(version.made_at, UTC)
    described: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": version.dataset,
        "description": words.get("description") or f"Version {version.number} of {version.dataset}.",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "version": f"{version.number}.0.0",
        "citeAs": f"{words.get('creator') or version.project}: {version.dataset}, version {version.number} ({made.year}).",
        "datePublished": made.date().isoformat(),
        "identifier": version.digest,
        "license": words.get("license") or "unknown",
        "url": words.get("url") or f"urn:solvent:{version.project}:{version.dataset}:{version.digest}",
        "creator": {"@type": "sc:Organization", "name": words.get("creator") or version.project},
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": file.name,
                "name": file.name,
                "contentUrl": file.name,
                "contentSize": f"{file.size_bytes} B",
                "encodingFormat": file.media,
                "sha256": file.sha256,
            }
        ],
    }
    fields = list(_fields(profile, file.name)) if profile is not None and file.media == _PARQUET[1] else []
    if fields:
        described["recordSet"] = [{"@type": "cr:RecordSet", "@id": "rows", "name": "rows", "field": fields}]
    return described


def _fields(profile: Profile, file: str) -> Iterator[dict[str, Any]]:
    for column in profile.columns:
        kind = _data_type(column)
        if kind:
            yield {
                "@type": "cr:Field",
                "@id": f"rows/{column.name}",
                "name": column.name,
                "description": _words_of(column),
                "dataType": kind,
                "source": {"fileObject": {"@id": file}, "extract": {"column": column.name}},
            }


def _data_type(column: ColumnProfile) -> str:
    if column.kind == "boolean":
        return "sc:Boolean"
    if column.kind == "number":
        return "sc:Integer" if "int" in column.type.lower() else "sc:Float"
    if column.kind == "time":
        return "" if column.type.startswith(("duration", "time")) and "stamp" not in column.type else "sc:Date"
    return "sc:Text" if column.kind == "text" else ""


def _words_of(column: ColumnProfile) -> str:
    share = column.nulls / column.rows if column.rows else 0.0
    missing = f"{share:.1%} missing" if column.nulls else "never missing"
    return f"{column.role}, {column.type}, {missing}"
