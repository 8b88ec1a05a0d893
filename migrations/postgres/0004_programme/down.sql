DROP TABLE board_reports;

ALTER TABLE readings DROP COLUMN restated;
ALTER TABLE readings DROP COLUMN forecast;

DELETE FROM definitions
WHERE kind NOT IN ('plan', 'organisation', 'sub_group', 'outcome_area', 'priority', 'policy', 'kpi');
ALTER TABLE definitions DROP CONSTRAINT definitions_code_check;
ALTER TABLE definitions ADD CONSTRAINT definitions_code_check CHECK (length(code) BETWEEN 1 AND 64);
ALTER TABLE definitions DROP CONSTRAINT definitions_kind_check;
ALTER TABLE definitions ADD CONSTRAINT definitions_kind_check CHECK (kind IN ('plan', 'organisation', 'sub_group', 'outcome_area', 'priority', 'policy', 'kpi'));
