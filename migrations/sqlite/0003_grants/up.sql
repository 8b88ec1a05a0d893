-- A grant without a plan is for the whole service.
CREATE TABLE grants (
    id            TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    plan_id       INTEGER REFERENCES plans (id),
    subject       TEXT    NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    role          TEXT    NOT NULL,
    outcome_areas TEXT    NOT NULL,
    organisation  TEXT,
    kpis          TEXT    NOT NULL,
    granted_at    TEXT    NOT NULL CHECK (length(granted_at) = 26),
    granted_by    TEXT    NOT NULL CHECK (length(granted_by) BETWEEN 1 AND 200),
    revoked_at    TEXT    CHECK (length(revoked_at) = 26)
) STRICT;

CREATE INDEX grants_subject ON grants (subject);
CREATE INDEX grants_plan ON grants (plan_id);
