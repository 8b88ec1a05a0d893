DELETE FROM sqlite_stat1 WHERE tbl IN ('journal', 'definitions', 'targets', 'readings');
