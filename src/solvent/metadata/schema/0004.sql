-- Schema 4: model versions of endpoints, the aliases that point at them, and who moved those when and why.

-- A verified bundle under its endpoint's name; only a deployment writes one. number is for people, bundle for machines.
CREATE TABLE model_versions (
    project              TEXT NOT NULL,
    endpoint             TEXT NOT NULL,
    number               INTEGER NOT NULL,
    bundle               TEXT NOT NULL,         -- SHA-256 of the bundle's manifest
    digest               TEXT NOT NULL,         -- artifacts.digest of its folder
    type                 TEXT NOT NULL,
    verification_digest  TEXT NOT NULL,         -- artifacts.digest of what was measured
    verification_type    TEXT NOT NULL,
    run_id               TEXT NOT NULL,         -- the run that it was cut out of, which may be gone
    target               TEXT NOT NULL,         -- where the endpoint is declared
    settings             TEXT NOT NULL,         -- JSON: how it is served, as measured
    author               TEXT NOT NULL,
    made_at              DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (project, endpoint, number)
);
CREATE UNIQUE INDEX model_versions_by_bundle ON model_versions (project, endpoint, bundle);
CREATE INDEX model_versions_by_run ON model_versions (run_id);
CREATE INDEX model_versions_by_digest ON model_versions (digest);

-- champion, challenger, ...: each points at one version.
CREATE TABLE aliases (
    project   TEXT NOT NULL,
    endpoint  TEXT NOT NULL,
    alias     TEXT NOT NULL,
    number    INTEGER NOT NULL,
    PRIMARY KEY (project, endpoint, alias),
    FOREIGN KEY (project, endpoint, number) REFERENCES model_versions (project, endpoint, number)
);

-- Every move of an alias, oldest first. from_number is NULL for the first one.
CREATE TABLE alias_moves (
    project      TEXT NOT NULL,
    endpoint     TEXT NOT NULL,
    ordinal      INTEGER NOT NULL,
    alias        TEXT NOT NULL,
    from_number  INTEGER,
    to_number    INTEGER NOT NULL,
    kind         TEXT NOT NULL,                 -- deploy, promote or rollback
    why          TEXT NOT NULL,
    author       TEXT NOT NULL,
    moved_at     DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (project, endpoint, ordinal)
);

CREATE VIEW model_overview AS
SELECT v.project, v.endpoint, v.number, a.alias, v.bundle, v.run_id, v.author,
       datetime(v.made_at, 'unixepoch') AS made
FROM model_versions v
LEFT JOIN aliases a ON a.project = v.project AND a.endpoint = v.endpoint AND a.number = v.number;
