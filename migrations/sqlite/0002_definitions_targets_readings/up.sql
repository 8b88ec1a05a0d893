-- Append-only: a change is a new revision, and nothing here is ever updated.
CREATE TABLE definitions (
    plan_id  INTEGER NOT NULL REFERENCES plans (id),
    kind     TEXT    NOT NULL CHECK (kind IN ('plan', 'organisation', 'sub_group', 'outcome_area', 'priority', 'policy', 'kpi')),
    code     TEXT    NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    revision INTEGER NOT NULL CHECK (revision >= 1),
    seq      INTEGER NOT NULL CHECK (seq >= 1),
    body     TEXT,
    PRIMARY KEY (plan_id, kind, code, revision)
) STRICT;

CREATE UNIQUE INDEX definitions_plan_seq ON definitions (plan_id, seq);

-- Figures are decimal text: SQLite's numbers would round them.
CREATE TABLE targets (
    plan_id     INTEGER NOT NULL REFERENCES plans (id),
    kpi         TEXT    NOT NULL CHECK (length(kpi) BETWEEN 1 AND 64),
    period      TEXT    NOT NULL,
    revision    INTEGER NOT NULL CHECK (revision >= 1),
    seq         INTEGER NOT NULL CHECK (seq >= 1),
    value       TEXT,
    low         TEXT,
    high        TEXT,
    floor       TEXT,
    kind        TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    rationale   TEXT,
    agreed_by   TEXT,
    agreed_on   TEXT    CHECK (length(agreed_on) = 10),
    reason      TEXT,
    removed     INTEGER NOT NULL CHECK (removed IN (0, 1)),
    recorded_at TEXT    NOT NULL CHECK (length(recorded_at) = 26),
    recorded_by TEXT    NOT NULL CHECK (length(recorded_by) BETWEEN 1 AND 200),
    PRIMARY KEY (plan_id, kpi, period, revision),
    CHECK ((low IS NULL) = (high IS NULL))
) STRICT;

CREATE UNIQUE INDEX targets_plan_seq ON targets (plan_id, seq);

CREATE TABLE readings (
    plan_id            INTEGER NOT NULL REFERENCES plans (id),
    kpi                TEXT    NOT NULL CHECK (length(kpi) BETWEEN 1 AND 64),
    period             TEXT    NOT NULL,
    group_code         TEXT    NOT NULL CHECK (length(group_code) BETWEEN 1 AND 64),
    revision           INTEGER NOT NULL CHECK (revision >= 1),
    seq                INTEGER NOT NULL CHECK (seq >= 1),
    value              TEXT,
    numerator          TEXT,
    denominator        TEXT,
    provisional        INTEGER NOT NULL CHECK (provisional IN (0, 1)),
    nil_return         TEXT,
    determined_status  TEXT,
    commentary         TEXT,
    reason             TEXT,
    definition_version INTEGER NOT NULL CHECK (definition_version >= 1),
    recorded_at        TEXT    NOT NULL CHECK (length(recorded_at) = 26),
    recorded_by        TEXT    NOT NULL CHECK (length(recorded_by) BETWEEN 1 AND 200),
    PRIMARY KEY (plan_id, kpi, period, group_code, revision),
    CHECK ((numerator IS NULL) = (denominator IS NULL)),
    CHECK (nil_return IS NULL OR value IS NULL)
) STRICT;

CREATE UNIQUE INDEX readings_plan_seq ON readings (plan_id, seq);
