-- Tells the planner what the tables look like when they are large. Without figures SQLite takes it that a plan has ten
-- rows, and then looks for one reading by going through all of the plan's. Each line: table, index, rows, and how many
-- rows on average share the index's first column, its first two, and so on. ANALYZE would measure the same of a large plan,
-- and something else of an empty one.
ANALYZE plans;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('journal',     'sqlite_autoindex_journal_1',     '1000000 1000000 1'),
    ('journal',     'journal_plan_at',                '1000000 1000000 100'),
    ('definitions', 'sqlite_autoindex_definitions_1', '1000 1000 100 2 1'),
    ('definitions', 'definitions_plan_seq',           '1000 1000 1'),
    ('targets',     'sqlite_autoindex_targets_1',     '10000 10000 20 2 1'),
    ('targets',     'targets_plan_seq',               '10000 10000 1'),
    ('readings',    'sqlite_autoindex_readings_1',    '1000000 1000000 10000 200 2 1'),
    ('readings',    'readings_plan_seq',              '1000000 1000000 1');
