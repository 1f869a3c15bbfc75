"""A group of runs on its way into another store: first the blobs, then all rows in one transaction."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from solvent.artifacts.store import UNKNOWN_BYTES
from solvent.errors import BlobError, StoreError
from solvent.metadata import datatransfers, transfers
from solvent.metadata.dropped import Dropped, find_dropped, forget_dropped, note_dropped
from solvent.metadata.models import add_copies, model_subject, models_of_runs
from solvent.metadata.results import Name, artifacts_of_result
from solvent.metadata.rows import RUN_FIELDS
from solvent.metadata.transfers import Page
from solvent.model import ArtifactRef, Blob, RunRecord
from solvent.runs.beside import CLEANING
from solvent.runs.cargo import Facts, Group
from solvent.runs.haul import Haul
from solvent.runs.lives import status_of
from solvent.runs.stores import Stores

_TRIES = 5
_PATIENCE_SECONDS = 600.0
_LOOK_SECONDS = 0.2
_DAMAGED = "bytes of it are missing or damaged at the source"


class Overtaken(Exception):
    """What the copy counts on was changed by others meanwhile: it has to look again, and to carry `runs` too."""

    def __init__(self, runs: Iterable[str] = ()) -> None:
        super().__init__()
        self.runs = sorted(runs)


class Carrier:
    """Carries groups of runs from the stores of one project to those of another.

    A group is there as a whole or not at all, and only after its bytes are durable. What is there already is left alone;
    bytes that it lacks are brought. Other copies, runs and clean-ups may be at work on both sides: what was found is looked
    at once more inside the transaction that counts on it.
    """

    def __init__(self, source: Stores, target: Stores, *, origin: str, dry: bool, moved: Callable[[int], None]) -> None:
        self._source = source
        self._target = target
        self._origin = origin
        self._dry = dry
        elsewhere = source.place.artifacts or target.place.artifacts
        self._haul = Haul(source.blobs, target.blobs, parallel=8 if elsewhere else 3, moved=moved)
        self._files: dict[str, list[Blob]] = {}
        self._claimed: set[str] = set()

    def carry(self, ids: Sequence[str], sources: Mapping[str, Sequence[str]], lost: Collection[str]) -> Group:
        """Carry these runs; `lost` are runs that could not be carried before, on which these may build."""
        for _ in range(_TRIES):
            facts = Facts(transfers.weigh_runs(self._source.metadata, ids), sources)
            group = Group(facts, self._target.metadata.last_cleaning())
            try:
                self._prepare(ids, group, lost)
                if not self._dry:
                    self._target.blobs.sync()
                    self._write(group)
                return group
            except Overtaken as overtaken:
                ids = [*overtaken.runs, *ids]
                self._files.clear()
                self._let_clean()
        raise StoreError(
            f"run {ids[0]} could not be copied: what it needs was changed {_TRIES} times meanwhile",
            hint="copy again when no clean-up runs beside it",
        )

    def _let_clean(self) -> None:
        """Wait for a clean-up of the target to end; it may be taking away what is wanted."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self._target.locks.holder_alive(CLEANING):
            if time.monotonic() > deadline:
                raise StoreError("a clean-up of the target has not ended", hint="copy again when it has")
            time.sleep(_LOOK_SECONDS)

    def close(self) -> None:
        self._haul.close()

    def _prepare(self, ids: Sequence[str], group: Group, lost: Collection[str]) -> None:
        self._settle(ids, group)
        self._compare(group)
        _refuse_dependants(group, lost)
        for page in list(group.facts.pages(group.going())):
            self._bring_artifacts(page, group)
        self._bring_files(group)
        self._excuse_removed(group)
        _refuse_dependants(group, lost)
        for id in group.going():
            count = group.found if id in group.there and id not in group.partial else group.sent
            count.runs += 1
            count.step_runs += group.facts.weight(id).step_runs

    def _settle(self, ids: Sequence[str], group: Group) -> None:
        """Take the runs that have ended; one whose process died goes as interrupted."""
        for id, record in transfers.read_runs(self._source.metadata, ids).items():
            if record.status == "running":
                alive = status_of(record, self._source.locks) == "running"
                # It may have ended since its row was read: the lock is given back after the last write.
                record = transfers.read_runs(self._source.metadata, [id]).get(id, record)
                if record.status == "running" and alive:
                    group.left_out[id] = "it is still running"
                    continue
                record = replace(record, status="interrupted") if record.status == "running" else record
            group.records[id] = record
        for id in ids:
            if id not in group.records and id not in group.left_out:
                group.left_out[id] = "it was removed meanwhile"

    def _compare(self, group: Group) -> None:
        """Find the runs that the target has already; equal ids must be equal runs."""
        with self._source.metadata.reading(), self._target.metadata.reading():
            there = transfers.read_runs(self._target.metadata, list(group.records))
            settled = [replace(each, status=status_of(each, self._target.locks)) for each in there.values()]
            self._check_source(group, list(there))
            ours = transfers.read_contents(self._source.metadata, [group.records[id] for id in there])
            theirs = transfers.read_contents(self._target.metadata, settled)
        for id, run in there.items():
            if ours[id].is_that_of(theirs[id]):
                group.there[id] = run.status
                if ours[id].adds_to(theirs[id]):
                    group.partial.add(id)
            else:
                group.refuse(id, "a run with this id is there already, and differs from it")

    def _check_source(self, group: Group, ids: Sequence[str]) -> None:
        """Make sure that nothing of these runs was removed since they were looked at."""
        statuses = transfers.read_statuses(self._source.metadata, ids)
        cleaned = {id for id, status in statuses.items() if status == transfers.CLEANED}
        known = {id for id in ids if group.records[id].status == transfers.CLEANED}
        weights = transfers.weigh_runs(self._source.metadata, ids)
        if cleaned != known or len(statuses) < len(ids) or weights != group.facts.of(ids):
            raise Overtaken

    def _excuse_removed(self, group: Group) -> None:
        """Leave out the runs whose bytes are missing because a clean-up of the source removed them a moment ago."""
        statuses = transfers.read_statuses(self._source.metadata, group.refused)
        for id in list(group.refused):
            was = group.records[id].status
            if statuses.get(id, transfers.CLEANED) == transfers.CLEANED != was:
                group.left_out[id] = "it was removed meanwhile"
                del group.refused[id], group.records[id]

    def _names(self, page: Page, records: dict[str, RunRecord]) -> list[tuple[str, Name]]:
        """List the artifacts of a page, each with its run."""
        results = page.ids if not page.first else ()
        made = transfers.read_names(self._source.metadata, page)
        made += [(row.run_id, name) for row in models_of_runs(self._source.metadata, results) for name in row.artifacts]
        return made + [(id, name) for id in results for name in artifacts_of_result(records[id].result)]

    def _bring_artifacts(self, page: Page, group: Group) -> None:
        with self._source.metadata.reading():
            names = self._names(page, group.records)
            ours = transfers.read_artifacts(self._source.metadata, {name for _, name in names})
        with self._target.metadata.reading():
            theirs = transfers.read_artifacts(self._target.metadata, ours)
        whole = self._whole(theirs)
        needed = {part for name in ours.keys() - whole for part in _with_parts(ours[name])}
        whole -= needed
        blobs = {blob.digest: blob for name in needed for blob in ours[name].blobs}
        sure = transfers.present(self._target.metadata, "blobs", "digest", blobs)
        failed = self._bring(list(blobs.values()), sure, group)
        group.needed |= needed
        group.whole |= whole
        group.sent.artifacts += len(needed)
        group.found.artifacts += len(whole)
        group.found.blobs += sum(len(ours[name].blobs) for name in whole)
        group.found.bytes += sum(blob.size_bytes for name in whole for blob in ours[name].blobs)
        if page.ids == tuple(group.records) and page.first is None:
            group.read[page] = ours
        for id, name in names if failed else ():
            if name in ours and any(blob.digest in failed for blob in ours[name].all_blobs()):
                group.refuse(id, _DAMAGED, f"{name[0][:12]} ({name[1]})")

    def _whole(self, refs: dict[Name, ArtifactRef]) -> set[Name]:
        """Tell which artifacts of the target have all their bytes, or had them removed on purpose."""
        missing = {blob.digest for blob in self._target.blobs.missing(b for ref in refs.values() for b in ref.blobs)}
        missing -= find_dropped(self._target.metadata, missing).keys()
        return {name for name, ref in refs.items() if not any(blob.digest in missing for blob in ref.all_blobs())}

    def _bring_files(self, group: Group) -> None:
        """Bring what the rows of runs name by themselves: the snapshot of the code, with its files, and the git diff."""
        parts: dict[str, list[Blob]] = {}
        settled: set[str] = set()
        for id in group.going():
            record = group.records[id]
            for digest, what in ((record.snapshot, "the snapshot of its code"), (record.git_diff, "its git diff")):
                if digest is None:
                    continue
                if digest in self._files:
                    group.safe.update((blob.digest, blob) for blob in self._files[digest])
                elif digest not in parts and not self._find_parts(digest, record, parts):
                    group.refuse(id, _DAMAGED, what)
                elif id in group.there:
                    settled.update(blob.digest for blob in parts[digest])
        failed = self._bring([blob for each in parts.values() for blob in each], settled, group)
        bad = {digest for digest, blobs in parts.items() if any(blob.digest in failed for blob in blobs)}
        self._files.update((digest, blobs) for digest, blobs in parts.items() if digest not in bad)
        for id in group.going():
            if group.records[id].snapshot in bad or group.records[id].git_diff in bad:
                group.refuse(id, _DAMAGED, "the snapshot of its code or its git diff")

    def _find_parts(self, digest: str, record: RunRecord, parts: dict[str, list[Blob]]) -> bool:
        """Find the blobs behind a digest in a run's row, which does not say their sizes; tell whether it can be read."""
        for stores in (self._source, self._target):
            try:
                data = stores.blobs.read(Blob(digest, UNKNOWN_BYTES))
            except BlobError:
                continue
            parts[digest] = [Blob(digest, len(data))]
            if digest == record.snapshot:
                parts[digest] += [Blob(*each) for each in json.loads(data).values()]
            return True
        return False

    def _bring(self, blobs: Iterable[Blob], sure: Collection[str], group: Group) -> dict[str, BlobError]:
        """Bring what the target lacks; give what is missing or damaged at the source.

        What is there, but named by no row yet (`sure`), is stored once more: it may not be durable.
        """
        blobs = list({blob.digest: blob for blob in blobs}.values())
        missing = {blob.digest for blob in self._target.blobs.missing(blobs)}
        dropped = self._dropped([blob for blob in blobs if blob.digest in missing])
        wanted = [blob for blob in blobs if blob.digest in missing and blob.digest not in dropped]
        failed: dict[str, BlobError] = {}
        if self._dry:
            wanted = [blob for blob in wanted if blob.digest not in self._claimed]
            failed = {blob.digest: BlobError(_DAMAGED) for blob in self._source.blobs.missing(wanted)}
            self._claimed.update(blob.digest for blob in wanted)
        else:
            failed = self._haul.bring(wanted)
            # What is missing may have been dropped just now.
            late = self._dropped([blob for blob in wanted if blob.digest in failed])
            dropped.update(late)
            failed = {digest: error for digest, error in failed.items() if digest not in late}
            self._haul.bring([blob for blob in blobs if blob.digest not in missing and blob.digest not in sure])
        came = [blob for blob in wanted if blob.digest not in failed and blob.digest not in dropped]
        group.dropped.update(dropped)
        group.safe.update(
            (blob.digest, blob) for blob in blobs if blob.digest not in failed and blob.digest not in dropped
        )
        group.arrived.update(blob.digest for blob in came)
        group.sent.blobs += len(came)
        group.sent.bytes += sum(blob.size_bytes for blob in came)
        return failed

    def _dropped(self, blobs: Sequence[Blob]) -> dict[str, Dropped]:
        """Give what was removed on purpose at the source and is not there again."""
        rows = find_dropped(self._source.metadata, [blob.digest for blob in blobs])
        gone = {blob.digest for blob in self._source.blobs.missing(blob for blob in blobs if blob.digest in rows)}
        return {digest: row for digest, row in rows.items() if digest in gone}

    def _write(self, group: Group) -> None:
        """Write the rows of a group in one transaction, which sees one moment of the source."""
        with self._source.metadata.reading():
            self._check_source(group, group.going())
            self._target.metadata.write(lambda: self._write_rows(group))

    def _check(self, group: Group) -> None:
        """Make sure that what was found at the target still holds; nobody else can write there now."""
        target = self._target
        statuses = transfers.read_statuses(target.metadata, [*group.there, *group.builds_on()])
        lost = {id for id in group.builds_on() if statuses.get(id, transfers.CLEANED) == transfers.CLEANED}
        if lost or any(statuses.get(id) != status for id, status in group.there.items()):
            raise Overtaken(lost)
        cleaning = target.metadata.last_cleaning()
        if cleaning == group.cleaning and not cleaning[1]:
            return
        if transfers.CLEANED in group.there.values() and target.locks.holder_alive(CLEANING):
            raise Overtaken
        if target.blobs.renew(group.safe.values()):
            raise Overtaken

    def _write_rows(self, group: Group) -> None:
        self._check(group)
        target = self._target.metadata
        filled = group.filled()
        for id in filled:
            record = group.records[id]
            if id not in group.there:
                # A run from before projects had names would count as everyone's own in a store that several share.
                project = record.project or self._source.project_name
                target.add_run(replace(record, project=project, origin=record.origin or self._origin))
            elif record.status != transfers.CLEANED:
                own = ("id", "project", "origin")
                target.update_run(id, **{each: getattr(record, each) for each in RUN_FIELDS if each not in own})
        transfers.spare_runs(target, filled)
        self._add_described([group.records[id] for id in filled])
        for page in group.facts.pages(filled):
            self._write_page(page, group, is_filled=True)
        for page in group.facts.pages(id for id in group.going() if id not in filled):
            self._write_page(page, group, is_filled=False)
        self._add_words("run", group.going())
        self._add_data(filled, group.going())
        self._add_models(group.going())
        forget_dropped(target, sorted(group.arrived))
        note_dropped(target, group.dropped.values())

    def _add_data(self, filled: Sequence[str], going: Sequence[str]) -> None:
        """Write what these runs say of data, and what people said of the datasets that they gave."""
        source, target = self._source.metadata, self._target.metadata
        uses = datatransfers.read_uses(source, going)
        new = set(filled)
        datatransfers.add_uses(target, (use for use in uses if use.run_id in new))
        lines = {(use.project, use.dataset) for use in uses}
        datatransfers.move_schemas(source, target, sorted(lines))
        datatransfers.move_findings(source, target, filled)
        versions = {f"{use.project}/{use.dataset}@{use.digest}" for use in uses}
        self._add_words("dataset", {*versions, *(f"{project}/{name}" for project, name in lines)})

    def _add_models(self, going: Sequence[str]) -> None:
        """Write the model versions that were cut out of these runs, if their bundles came along; no alias moves."""
        rows = models_of_runs(self._source.metadata, going)
        there = transfers.read_artifacts(self._target.metadata, {name for row in rows for name in row.artifacts})
        came = [row for row in rows if all(name in there for name in row.artifacts)]
        add_copies(self._target.metadata, came)
        self._add_words("model", {model_subject(row) for row in came})

    def _add_described(self, records: Sequence[RunRecord]) -> None:
        """Write the code and environments that the rows of runs name."""
        source, target = self._source.metadata, self._target.metadata
        self._add_codes({record.code for record in records if record.code})
        environments = {record.environment for record in records if record.environment}
        for digest in sorted(environments - transfers.present(target, "environments", "digest", environments)):
            found = source.load_environment(digest)
            if found is not None:
                target.add_environment(digest, *found)

    def _add_codes(self, digests: set[str]) -> None:
        target = self._target.metadata
        for digest in sorted(digests - transfers.present(target, "codes", "digest", digests)):
            code = self._source.metadata.load_code(digest)
            if code is not None:
                target.add_code(code)

    def _write_page(self, page: Page, group: Group, *, is_filled: bool) -> None:
        source, target = self._source.metadata, self._target.metadata
        names = self._names(page, group.records)
        self._add_artifacts(page, {name for _, name in names}, group)
        places = transfers.read_places(source, page)
        if is_filled:
            self._add_codes({code for _, _, code in places if code})
            for table in transfers.TABLES:
                transfers.add_rows(target, table, transfers.read_rows(source, table, page))
        self._add_words("step_run", [f"{id}/{position}" for id, position, _ in places])
        self._add_words("artifact", {digest for _, (digest, _) in names})

    def _add_artifacts(self, page: Page, names: set[Name], group: Group) -> None:
        """Write the artifacts that the target needs, unless what was found before no longer holds."""
        refs = group.read.get(page)
        if refs is None:
            refs = transfers.read_artifacts(self._source.metadata, names)
        there = transfers.read_artifacts(self._target.metadata, refs.keys() & group.whole)
        if len(there) < len(refs.keys() & group.whole):
            raise Overtaken
        for name, ref in refs.items():
            if name in group.whole:
                continue
            if not all(blob.digest in group.safe or blob.digest in group.dropped for blob in ref.all_blobs()):
                raise Overtaken
            self._target.metadata.add_artifact(ref)
        datatransfers.move_profiles(self._source.metadata, self._target.metadata, refs.keys())

    def _add_words(self, kind: str, subjects: Collection[str]) -> None:
        """Add the notes and tags that people gave, to those that are there."""
        source, target = self._source.metadata, self._target.metadata
        transfers.add_notes(target, kind, transfers.read_words(source, "notes", kind, subjects))
        transfers.add_tags(target, kind, transfers.read_words(source, "tags", kind, subjects))


def _with_parts(ref: ArtifactRef) -> Iterator[Name]:
    yield ref.digest, ref.type
    for child in ref.children:
        yield from _with_parts(child)


def _refuse_dependants(group: Group, lost: Collection[str]) -> None:
    """Refuse whoever reuses step runs of a run that is not going: its rows would point at nothing."""
    again = True
    while again:
        again = False
        for id in group.going():
            sources = group.facts.sources.get(id, ())
            gone = next((s for s in sources if s in lost or s in group.refused or s in group.left_out), None)
            if gone is not None and id not in group.there:
                group.refuse(id, f"it reuses step runs of run {gone}, which is not copied")
                again = True
