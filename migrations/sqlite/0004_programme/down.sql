DROP TABLE board_reports;

ALTER TABLE readings DROP COLUMN restated;
ALTER TABLE readings DROP COLUMN forecast;

CREATE TABLE definitions_before (
    plan_id  INTEGER NOT NULL REFERENCES plans (id),
    kind     TEXT    NOT NULL CHECK (kind IN ('plan', 'organisation', 'sub_group', 'outcome_area', 'priority', 'policy', 'kpi')),
    code     TEXT    NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    revision INTEGER NOT NULL CHECK (revision >= 1),
    seq      INTEGER NOT NULL CHECK (seq >= 1),
    body     TEXT,
    PRIMARY KEY (plan_id, kind, code, revision)
) STRICT;

INSERT INTO definitions_before (plan_id, kind, code, revision, seq, body)
SELECT plan_id, kind, code, revision, seq, body FROM definitions
WHERE kind IN ('plan', 'organisation', 'sub_group', 'outcome_area', 'priority', 'policy', 'kpi');

DROP TABLE definitions;

ALTER TABLE definitions_before RENAME TO definitions;

CREATE UNIQUE INDEX definitions_plan_seq ON definitions (plan_id, seq);
