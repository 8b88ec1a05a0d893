DROP TABLE readings;
DROP TABLE targets;
DROP TABLE definitions;
