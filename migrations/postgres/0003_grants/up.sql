-- A grant without a plan is for the whole service.
CREATE TABLE grants (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    plan_id       BIGINT           REFERENCES plans (id),
    subject       TEXT COLLATE "C" NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    role          TEXT COLLATE "C" NOT NULL,
    outcome_areas TEXT             NOT NULL,
    organisation  TEXT COLLATE "C",
    kpis          TEXT             NOT NULL,
    granted_at    TIMESTAMP        NOT NULL,
    granted_by    TEXT COLLATE "C" NOT NULL CHECK (length(granted_by) BETWEEN 1 AND 200),
    revoked_at    TIMESTAMP
);

CREATE INDEX grants_subject ON grants (subject);
CREATE INDEX grants_plan ON grants (plan_id);
