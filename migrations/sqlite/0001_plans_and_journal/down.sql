DROP TABLE journal;
DROP TABLE plans;
