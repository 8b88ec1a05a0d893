-- Append-only: a change is a new revision, and nothing here is ever updated.
CREATE TABLE definitions (
    plan_id  BIGINT           NOT NULL REFERENCES plans (id),
    kind     TEXT COLLATE "C" NOT NULL CHECK (kind IN ('plan', 'organisation', 'sub_group', 'outcome_area', 'priority', 'policy', 'kpi')),
    code     TEXT COLLATE "C" NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    revision INTEGER          NOT NULL CHECK (revision >= 1),
    seq      BIGINT           NOT NULL CHECK (seq >= 1),
    body     TEXT,
    PRIMARY KEY (plan_id, kind, code, revision)
);

CREATE UNIQUE INDEX definitions_plan_seq ON definitions (plan_id, seq);

-- Figures are decimal text, so that both databases keep the same digits.
CREATE TABLE targets (
    plan_id     BIGINT           NOT NULL REFERENCES plans (id),
    kpi         TEXT COLLATE "C" NOT NULL CHECK (length(kpi) BETWEEN 1 AND 64),
    period      TEXT COLLATE "C" NOT NULL,
    revision    INTEGER          NOT NULL CHECK (revision >= 1),
    seq         BIGINT           NOT NULL CHECK (seq >= 1),
    value       TEXT,
    low         TEXT,
    high        TEXT,
    floor       TEXT,
    kind        TEXT             NOT NULL,
    state       TEXT             NOT NULL,
    rationale   TEXT,
    agreed_by   TEXT,
    agreed_on   DATE,
    reason      TEXT,
    removed     BOOLEAN          NOT NULL,
    recorded_at TIMESTAMP        NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL CHECK (length(recorded_by) BETWEEN 1 AND 200),
    PRIMARY KEY (plan_id, kpi, period, revision),
    CHECK ((low IS NULL) = (high IS NULL))
);

CREATE UNIQUE INDEX targets_plan_seq ON targets (plan_id, seq);

CREATE TABLE readings (
    plan_id            BIGINT           NOT NULL REFERENCES plans (id),
    kpi                TEXT COLLATE "C" NOT NULL CHECK (length(kpi) BETWEEN 1 AND 64),
    period             TEXT COLLATE "C" NOT NULL,
    group_code         TEXT COLLATE "C" NOT NULL CHECK (length(group_code) BETWEEN 1 AND 64),
    revision           INTEGER          NOT NULL CHECK (revision >= 1),
    seq                BIGINT           NOT NULL CHECK (seq >= 1),
    value              TEXT,
    numerator          TEXT,
    denominator        TEXT,
    provisional        BOOLEAN          NOT NULL,
    nil_return         TEXT,
    determined_status  TEXT,
    commentary         TEXT,
    reason             TEXT,
    definition_version INTEGER          NOT NULL CHECK (definition_version >= 1),
    recorded_at        TIMESTAMP        NOT NULL,
    recorded_by        TEXT COLLATE "C" NOT NULL CHECK (length(recorded_by) BETWEEN 1 AND 200),
    PRIMARY KEY (plan_id, kpi, period, group_code, revision),
    CHECK ((numerator IS NULL) = (denominator IS NULL)),
    CHECK (nil_return IS NULL OR value IS NULL)
);

CREATE UNIQUE INDEX readings_plan_seq ON readings (plan_id, seq);
