-- Schema 3: data that is known: profiles, named datasets and their versions, accepted schemas, checks and findings.

-- The ends of a metric's 95 % interval, where one is known.
ALTER TABLE metrics ADD COLUMN low DOUBLE PRECISION;
ALTER TABLE metrics ADD COLUMN high DOUBLE PRECISION;

-- The statistics of a table or array. status: pending, made, failed. One that is pending was interrupted.
CREATE TABLE profiles (
    digest   TEXT NOT NULL,                     -- artifacts.digest
    type     TEXT NOT NULL,                     -- artifacts.type
    status   TEXT NOT NULL,
    made_at  DOUBLE PRECISION NOT NULL,
    seconds  DOUBLE PRECISION,
    problem  TEXT,                              -- why there is none
    record   TEXT,                              -- JSON
    PRIMARY KEY (digest, type),
    FOREIGN KEY (digest, type) REFERENCES artifacts (digest, type) ON DELETE CASCADE
);

-- A named line of tables of one project. Equal content is one version; numbers are given in the order of first sight.
-- Its bytes are kept until a person removes the version; the row stays, so that no number ever means two contents.
CREATE TABLE dataset_versions (
    project    TEXT NOT NULL,
    dataset    TEXT NOT NULL,
    number     INTEGER NOT NULL,
    digest     TEXT NOT NULL,                   -- artifacts.digest
    made_at    DOUBLE PRECISION NOT NULL,
    removed_at DOUBLE PRECISION,                -- when a person gave up its bytes
    PRIMARY KEY (project, dataset, number)
);
CREATE UNIQUE INDEX dataset_versions_by_digest ON dataset_versions (project, dataset, digest);
CREATE INDEX dataset_versions_of_digest ON dataset_versions (digest);

-- Each time that a step run gave or reused a version; the newest use of a dataset says which version is current:
-- `used_at` never goes back, whatever the clock does.
CREATE TABLE dataset_uses (
    project   TEXT NOT NULL,
    dataset   TEXT NOT NULL,
    number    INTEGER NOT NULL,
    run_id    TEXT NOT NULL,                    -- it may have been cleaned since
    position  INTEGER NOT NULL,
    field     TEXT NOT NULL,
    type      TEXT NOT NULL,                    -- artifacts.type
    used_at   DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (project, dataset, run_id, position, field),
    FOREIGN KEY (project, dataset, number) REFERENCES dataset_versions (project, dataset, number) ON DELETE CASCADE
);
CREATE INDEX dataset_uses_by_time ON dataset_uses (project, dataset, used_at);
CREATE INDEX dataset_uses_by_version ON dataset_uses (project, dataset, number, used_at);
CREATE INDEX dataset_uses_by_run ON dataset_uses (run_id);

-- What is expected of a dataset; the newest number counts. Who accepted it, from which version, and why.
CREATE TABLE schemas (
    project      TEXT NOT NULL,
    dataset      TEXT NOT NULL,
    number       INTEGER NOT NULL,
    record       TEXT NOT NULL,                 -- JSON
    version      INTEGER,                       -- dataset_versions.number
    reason       TEXT NOT NULL,
    author       TEXT NOT NULL,
    accepted_at  DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (project, dataset, number)
);

-- What came of the checks of a step's outputs. status: passed, warned, failed, broken.
CREATE TABLE checks (
    run_id    TEXT NOT NULL,
    position  INTEGER NOT NULL,
    ordinal   INTEGER NOT NULL,
    field     TEXT NOT NULL,
    name      TEXT NOT NULL,
    status    TEXT NOT NULL,
    message   TEXT NOT NULL,
    detail    TEXT NOT NULL,                    -- JSON
    PRIMARY KEY (run_id, position, ordinal),
    FOREIGN KEY (run_id, position) REFERENCES step_runs (run_id, position) ON DELETE CASCADE
);

-- What a person should know of a run's data. severity: alert, warn.
CREATE TABLE findings (
    run_id    TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    ordinal   INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    severity  TEXT NOT NULL,
    subject   TEXT NOT NULL,
    message   TEXT NOT NULL,
    fix       TEXT NOT NULL,
    detail    TEXT NOT NULL,                    -- JSON
    PRIMARY KEY (run_id, ordinal)
);

CREATE VIEW dataset_overview AS
SELECT v.project, v.dataset, v.number, v.digest, datetime(v.made_at, 'unixepoch') AS made,
       datetime(v.removed_at, 'unixepoch') AS removed,
       (SELECT COUNT(*) FROM dataset_uses u
         WHERE u.project = v.project AND u.dataset = v.dataset AND u.number = v.number) AS uses
FROM dataset_versions v;
