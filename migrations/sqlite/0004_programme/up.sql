-- SQLite changes no check of a column: the table is made anew around its rows.
CREATE TABLE definitions_anew (
    plan_id  INTEGER NOT NULL REFERENCES plans (id),
    kind     TEXT    NOT NULL CHECK (kind IN (
        'plan', 'organisation', 'sub_group', 'outcome_area', 'priority', 'policy', 'kpi',
        'dimension', 'round', 'return', 'action', 'comparator_group', 'benchmark', 'board_report'
    )),
    code     TEXT    NOT NULL CHECK (length(code) BETWEEN 1 AND 200),
    revision INTEGER NOT NULL CHECK (revision >= 1),
    seq      INTEGER NOT NULL CHECK (seq >= 1),
    body     TEXT,
    PRIMARY KEY (plan_id, kind, code, revision)
) STRICT;

INSERT INTO definitions_anew (plan_id, kind, code, revision, seq, body)
SELECT plan_id, kind, code, revision, seq, body FROM definitions;

DROP TABLE definitions;

ALTER TABLE definitions_anew RENAME TO definitions;

CREATE UNIQUE INDEX definitions_plan_seq ON definitions (plan_id, seq);

-- The sub-group's own forecast of the year's end; and whether the revision replaced a figure whose round had closed.
ALTER TABLE readings ADD COLUMN forecast TEXT;
ALTER TABLE readings ADD COLUMN restated INTEGER NOT NULL DEFAULT 0 CHECK (restated IN (0, 1));

-- What was frozen, to the byte; the definition of kind 'board_report' holds its SHA-256.
CREATE TABLE board_reports (
    plan_id INTEGER NOT NULL REFERENCES plans (id),
    id      TEXT    NOT NULL CHECK (length(id) = 36),
    content TEXT    NOT NULL,
    PRIMARY KEY (plan_id, id)
) STRICT;
