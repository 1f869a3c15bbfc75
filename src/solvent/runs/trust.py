"""Which artifacts may be read although that runs code: this project's own, and those that a person vouched for.

It keeps code of other projects from running unasked. It is no wall against somebody who may write to the store itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from solvent.errors import TrustError
from solvent.metadata.answers import Writer
from solvent.metadata.store import MetadataStore
from solvent.metadata.trust import find_writers, is_trusted
from solvent.model import ArtifactRef, RunRecord
from solvent.runs.words import short_type


def doubt(artifact: ArtifactRef, metadata: MetadataStore, project: str, *, allow_pickle: bool) -> str:
    """Say why an artifact whose reading runs code may not be read in a project, or nothing if it may."""
    if artifact.pickled and not allow_pickle:
        return "needs pickle, which this project forbids"
    writers = find_writers(metadata, artifact.digest, artifact.type)
    if any(is_own(each, project) for each in writers) or is_trusted(metadata, artifact.digest):
        return ""
    needs = "pickle" if artifact.pickled else "types that its writer called safe"
    return f"needs {needs}, and {whose(writers)} made it: not trusted here (solvent trust {artifact.digest[:12]})"


def refused(artifact: ArtifactRef, doubt: str) -> TrustError:
    """Put a doubt into the error of who asked for the value."""
    if "solvent trust" not in doubt:
        return TrustError(f"this {short_type(artifact.type)} {doubt}", hint="set allow_pickle = true")
    reason = doubt.partition(": not trusted")[0]
    return TrustError(
        f"artifact {artifact.digest[:12]} ({artifact.type}) {reason}; reading it runs code of theirs",
        hint=f"if you trust its writer: solvent trust {artifact.digest[:12]}",
    )


def is_own(run: Writer | RunRecord, project: str) -> bool:
    """Whether a run is of this project; one from before projects had names is, unless it was copied here."""
    return run.project == project or (not run.project and run.origin is None)


def whose(writers: Sequence[Writer]) -> str:
    """Name the newest writer of an artifact of others."""
    if not writers:
        return "nobody knows who"
    newest = writers[0]
    project = f"project {newest.project!r}" if newest.project else "an unnamed project"
    copied = ", copied here" if newest.origin else ""
    return f"{project} ({newest.user} on {newest.host}, run {newest.run_id}{copied})"
