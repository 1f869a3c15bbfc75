-- Schema 2: runs say whose project they are; copies, pins, trust and bytes that were dropped on purpose.

-- The name of the project that a run belongs to, and the store that it was copied from, if it was.
ALTER TABLE runs ADD COLUMN project TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN origin TEXT;
CREATE INDEX runs_by_project ON runs (project, started_at);
CREATE INDEX runs_by_status ON runs (status, started_at);
CREATE INDEX runs_open ON runs (target, started_at) WHERE status IN ('running', 'interrupted');

-- What a clean-up must keep, with all that it reaches (kind run or artifact).
CREATE TABLE pins (
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,                   -- a run's id, or "digest type" of an artifact
    reason     TEXT NOT NULL,
    author     TEXT NOT NULL,
    pinned_at  DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (kind, subject, reason)
);

-- Artifacts of other projects that may be read although reading them runs pickle.
CREATE TABLE trusted (
    digest      TEXT NOT NULL,                  -- artifacts.digest
    author      TEXT NOT NULL,
    trusted_at  DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (digest)
);

-- Blobs that were removed on purpose: they can be made again from the record.
CREATE TABLE dropped (
    digest      TEXT NOT NULL,                  -- blobs.digest
    size_bytes  BIGINT NOT NULL,
    dropped_at  DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (digest)
);

-- The clean-ups. Each waits for the runs that lived when it chose what goes: they may be about to name it.
CREATE TABLE cleanings (
    number      INTEGER PRIMARY KEY,
    author      TEXT NOT NULL,
    started_at  DOUBLE PRECISION NOT NULL,
    ended_at    DOUBLE PRECISION,               -- NULL while it is at work, or after it was killed
    waits_for   TEXT NOT NULL                   -- JSON: ids of runs
);

-- Runs (with status cleaned) that a clean-up takes away: nothing of them is reused any more. A run with status cleaned
-- that is not here stays for those of its step runs that other runs reuse.
CREATE TABLE condemned (
    run_id    TEXT PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    cleaning  INTEGER NOT NULL
);
CREATE INDEX runs_running ON runs (id) WHERE status = 'running';
