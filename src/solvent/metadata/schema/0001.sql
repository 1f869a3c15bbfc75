-- The metadata store of Solvent, schema 1.
--
-- Times are seconds since the epoch, UTC. Digests are SHA-256 in hex. Columns that hold JSON say so.
-- A step run is named by (run_id, position): the run and the place of the call in it, from 0.
-- An artifact is named by (digest, type): equal names stand for equal values.
-- For reading by hand, start with the views at the end: run_overview, step_overview, artifact_overview.

CREATE TABLE migrations (
    number      INTEGER PRIMARY KEY,
    applied_at  DOUBLE PRECISION NOT NULL
);

-- One execution of a pipeline. status: running, done, failed, interrupted.
CREATE TABLE runs (
    id              TEXT PRIMARY KEY,
    pipeline        TEXT NOT NULL,
    target          TEXT NOT NULL,
    status          TEXT NOT NULL,
    started_at      DOUBLE PRECISION NOT NULL,
    ended_at        DOUBLE PRECISION,
    user_name       TEXT NOT NULL,
    host            TEXT NOT NULL,
    cwd             TEXT NOT NULL,
    command         TEXT NOT NULL,
    engine          TEXT NOT NULL,
    seed            BIGINT NOT NULL,
    config          TEXT NOT NULL,              -- JSON
    config_sources  TEXT NOT NULL,              -- JSON: config key to "file:line"
    code            TEXT,                       -- digest of the pipeline's own code
    snapshot        TEXT,                       -- digest of the snapshot of the user's files
    environment     TEXT,                       -- environments.digest
    git_commit      TEXT,
    git_branch      TEXT,
    git_diff        TEXT,
    resumes         TEXT,                       -- the interrupted run that this one goes on from
    sweep           TEXT,
    error           TEXT,
    result          TEXT,                       -- JSON
    counts          TEXT NOT NULL               -- JSON: step status to number
);
CREATE INDEX runs_by_start ON runs (started_at);
CREATE INDEX runs_by_pipeline ON runs (pipeline, started_at);
CREATE INDEX runs_by_target ON runs (target, started_at);

-- One call of a step in a run. status: done, reused, failed, skipped, cancelled.
-- A reused one names the execution that it reuses and has no outputs, numbers or parts of its own.
CREATE TABLE step_runs (
    run_id             TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    position           INTEGER NOT NULL,
    name               TEXT NOT NULL,
    occurrence         INTEGER NOT NULL,        -- how many calls of this step came before it in the run
    status             TEXT NOT NULL,
    key                TEXT NOT NULL,           -- the cache key
    why                TEXT NOT NULL,           -- why it ran or was reused, in words
    code               TEXT,                    -- codes.digest
    cached             INTEGER NOT NULL,        -- 1 if it may be reused by later runs
    source_run         TEXT,
    source_position    INTEGER,
    attempt            INTEGER NOT NULL,
    finished_at        DOUBLE PRECISION NOT NULL,
    started_at         DOUBLE PRECISION,        -- NULL if it never started
    seconds            DOUBLE PRECISION,
    cpu_seconds        DOUBLE PRECISION,
    peak_memory_bytes  BIGINT,
    memory_scope       TEXT,                    -- whose peak that is: step or process
    failure_kind       TEXT,
    failure_message    TEXT,
    failure_traceback  TEXT,
    failure_signal     TEXT,
    log_bytes          BIGINT,                  -- how much it printed; "log" may be the end of it
    parts              TEXT NOT NULL,           -- JSON: the parts of the cache key
    log                BLOB,
    PRIMARY KEY (run_id, position)
);
CREATE INDEX step_runs_by_key ON step_runs (key, finished_at) WHERE status = 'done';
CREATE INDEX step_runs_by_name ON step_runs (name, run_id);
CREATE INDEX step_runs_by_source ON step_runs (source_run, source_position) WHERE source_run IS NOT NULL;

-- An immutable value: what it is, how it is written, and its bytes if they are few.
CREATE TABLE artifacts (
    digest       TEXT NOT NULL,
    type         TEXT NOT NULL,                 -- module:class
    format       TEXT NOT NULL,
    size_bytes   BIGINT NOT NULL,
    pickled      INTEGER NOT NULL,              -- 1 if reading it back runs pickle
    blob_count   INTEGER NOT NULL,
    child_count  INTEGER NOT NULL,
    classes      TEXT NOT NULL,                 -- JSON: the user's classes met inside
    columns      TEXT,                          -- JSON: column name to column digest, for tables
    meta         TEXT NOT NULL,                 -- JSON: what the format needs for reading back
    inline       BLOB,
    PRIMARY KEY (digest, type)
);

-- The files of the artifact store that an artifact is made of.
CREATE TABLE blobs (
    artifact_digest  TEXT NOT NULL,
    artifact_type    TEXT NOT NULL,
    ordinal          INTEGER NOT NULL,
    digest           TEXT NOT NULL,
    size_bytes       BIGINT NOT NULL,
    role             TEXT NOT NULL,
    PRIMARY KEY (artifact_digest, artifact_type, ordinal),
    FOREIGN KEY (artifact_digest, artifact_type) REFERENCES artifacts (digest, type) ON DELETE CASCADE
);
CREATE INDEX blobs_by_digest ON blobs (digest, size_bytes);

-- The artifacts that a collection is made of.
CREATE TABLE children (
    parent_digest  TEXT NOT NULL,
    parent_type    TEXT NOT NULL,
    ordinal        INTEGER NOT NULL,
    digest         TEXT NOT NULL,
    type           TEXT NOT NULL,
    PRIMARY KEY (parent_digest, parent_type, ordinal),
    FOREIGN KEY (parent_digest, parent_type) REFERENCES artifacts (digest, type) ON DELETE CASCADE,
    FOREIGN KEY (digest, type) REFERENCES artifacts (digest, type)
);
CREATE INDEX children_by_child ON children (digest, type);

-- What an executed step run gave back. field is '' for an output that is not split into declared fields.
CREATE TABLE outputs (
    run_id    TEXT NOT NULL,
    position  INTEGER NOT NULL,
    ordinal   INTEGER NOT NULL,
    field     TEXT NOT NULL,
    digest    TEXT NOT NULL,
    type      TEXT NOT NULL,
    PRIMARY KEY (run_id, position, ordinal),
    FOREIGN KEY (run_id, position) REFERENCES step_runs (run_id, position) ON DELETE CASCADE,
    FOREIGN KEY (digest, type) REFERENCES artifacts (digest, type)
);
CREATE INDEX outputs_by_artifact ON outputs (digest, type);

-- What a step run took. The from_ columns name the step run that made it; NULL for a literal.
CREATE TABLE inputs (
    run_id         TEXT NOT NULL,
    position       INTEGER NOT NULL,
    ordinal        INTEGER NOT NULL,
    name           TEXT NOT NULL,               -- the argument, with the path inside it
    digest         TEXT NOT NULL,
    type           TEXT NOT NULL,
    from_run       TEXT,
    from_position  INTEGER,
    from_field     TEXT,
    PRIMARY KEY (run_id, position, ordinal),
    FOREIGN KEY (run_id, position) REFERENCES step_runs (run_id, position) ON DELETE CASCADE
);
CREATE INDEX inputs_by_producer ON inputs (from_run, from_position) WHERE from_run IS NOT NULL;

-- What only the execution showed: files read, folders listed, modules imported, the seed used.
CREATE TABLE observations (
    run_id    TEXT NOT NULL,
    position  INTEGER NOT NULL,
    ordinal   INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    subject   TEXT NOT NULL,
    token     TEXT NOT NULL,
    PRIMARY KEY (run_id, position, ordinal),
    FOREIGN KEY (run_id, position) REFERENCES step_runs (run_id, position) ON DELETE CASCADE
);

-- Logged numbers. step counts along a series; value is NULL for "not a number".
CREATE TABLE metrics (
    run_id    TEXT NOT NULL,
    position  INTEGER NOT NULL,
    ordinal   INTEGER NOT NULL,
    name      TEXT NOT NULL,
    value     DOUBLE PRECISION,
    step      BIGINT,
    logged_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (run_id, position, ordinal),
    FOREIGN KEY (run_id, position) REFERENCES step_runs (run_id, position) ON DELETE CASCADE
);

-- Logged texts and figures.
CREATE TABLE attachments (
    run_id    TEXT NOT NULL,
    position  INTEGER NOT NULL,
    ordinal   INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    name      TEXT NOT NULL,
    digest    TEXT NOT NULL,
    type      TEXT NOT NULL,
    PRIMARY KEY (run_id, position, ordinal),
    FOREIGN KEY (run_id, position) REFERENCES step_runs (run_id, position) ON DELETE CASCADE,
    FOREIGN KEY (digest, type) REFERENCES artifacts (digest, type)
);
CREATE INDEX attachments_by_artifact ON attachments (digest, type);

-- All code that a step can reach.
CREATE TABLE codes (
    digest      TEXT PRIMARY KEY,
    packages    TEXT NOT NULL,                  -- JSON: top-level import names of installed distributions
    unfollowed  TEXT NOT NULL,                  -- JSON
    files       TEXT NOT NULL                   -- JSON
);

-- The functions, classes, constants and modules that it is made of.
CREATE TABLE symbols (
    code     TEXT NOT NULL REFERENCES codes (digest) ON DELETE CASCADE,
    ordinal  INTEGER NOT NULL,
    name     TEXT NOT NULL,
    kind     TEXT NOT NULL,
    digest   TEXT NOT NULL,
    file     TEXT NOT NULL,
    line     INTEGER NOT NULL,
    PRIMARY KEY (code, ordinal)
);

-- Interpreter, platform and every installed distribution; the lock installs them again.
CREATE TABLE environments (
    digest     TEXT PRIMARY KEY,
    record     TEXT NOT NULL,                   -- JSON
    lock_text  TEXT NOT NULL
);

-- What people wrote about a run, artifact, dataset or model (kind, subject).
CREATE TABLE notes (
    kind        TEXT NOT NULL,
    subject     TEXT NOT NULL,
    ordinal     INTEGER NOT NULL,
    text        TEXT NOT NULL,
    author      TEXT NOT NULL,
    written_at  DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (kind, subject, ordinal)
);

CREATE TABLE tags (
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    tag        TEXT NOT NULL,
    author     TEXT NOT NULL,
    tagged_at  DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (kind, subject, tag)
);
CREATE INDEX tags_by_tag ON tags (kind, tag);

-- Digests of files by their state, so that an unchanged file costs a stat and not a read. Only a memo.
CREATE TABLE file_memos (
    path    TEXT PRIMARY KEY,
    state   TEXT NOT NULL,
    digest  TEXT NOT NULL
);

CREATE VIEW run_overview AS
SELECT r.id, r.pipeline, r.status,
       datetime(r.started_at, 'unixepoch') AS started,
       r.ended_at - r.started_at AS seconds,
       (SELECT COUNT(*) FROM step_runs s WHERE s.run_id = r.id) AS steps,
       (SELECT COUNT(*) FROM step_runs s WHERE s.run_id = r.id AND s.status = 'reused') AS reused,
       (SELECT COUNT(*) FROM step_runs s WHERE s.run_id = r.id AND s.status = 'failed') AS failed,
       r.engine, r.user_name, r.host, r.git_commit, r.config, r.result, r.error
FROM runs r;

CREATE VIEW step_overview AS
SELECT s.run_id, s.position, r.pipeline, s.name AS step, s.status, s.why,
       datetime(s.finished_at, 'unixepoch') AS finished,
       e.seconds, e.cpu_seconds, e.peak_memory_bytes, e.log_bytes,
       s.source_run, s.source_position,
       (SELECT COUNT(*) FROM inputs i WHERE i.run_id = s.run_id AND i.position = s.position) AS inputs,
       (SELECT COUNT(*) FROM outputs o WHERE o.run_id = e.run_id AND o.position = e.position) AS outputs,
       (SELECT COUNT(*) FROM metrics m WHERE m.run_id = e.run_id AND m.position = e.position) AS metrics,
       s.failure_kind, s.failure_message
FROM step_runs s
JOIN runs r ON r.id = s.run_id
LEFT JOIN step_runs e ON e.run_id = COALESCE(s.source_run, s.run_id)
                     AND e.position = COALESCE(s.source_position, s.position);

CREATE VIEW artifact_overview AS
SELECT a.digest, a.type, a.format, a.size_bytes, a.pickled,
       r.pipeline, s.name AS step, o.field, o.run_id, o.position,
       datetime(s.finished_at, 'unixepoch') AS made,
       (SELECT COUNT(*) FROM inputs i
         WHERE i.from_run = o.run_id AND i.from_position = o.position AND i.from_field = o.field) AS consumers
FROM outputs o
JOIN artifacts a ON a.digest = o.digest AND a.type = o.type
JOIN step_runs s ON s.run_id = o.run_id AND s.position = o.position
JOIN runs r ON r.id = o.run_id;
