ALTER TABLE definitions DROP CONSTRAINT definitions_kind_check;
ALTER TABLE definitions ADD CONSTRAINT definitions_kind_check CHECK (kind IN (
    'plan', 'organisation', 'sub_group', 'outcome_area', 'priority', 'policy', 'kpi',
    'dimension', 'round', 'return', 'action', 'comparator_group', 'benchmark', 'board_report'
));
ALTER TABLE definitions DROP CONSTRAINT definitions_code_check;
ALTER TABLE definitions ADD CONSTRAINT definitions_code_check CHECK (length(code) BETWEEN 1 AND 200);

-- The sub-group's own forecast of the year's end; and whether the revision replaced a figure whose round had closed.
ALTER TABLE readings ADD COLUMN forecast TEXT;
ALTER TABLE readings ADD COLUMN restated BOOLEAN NOT NULL DEFAULT FALSE;

-- What was frozen, to the byte; the definition of kind 'board_report' holds its SHA-256.
CREATE TABLE board_reports (
    plan_id BIGINT           NOT NULL REFERENCES plans (id),
    id      TEXT COLLATE "C" NOT NULL CHECK (length(id) = 36),
    content TEXT             NOT NULL,
    PRIMARY KEY (plan_id, id)
);
