ALTER TABLE targets DROP COLUMN acknowledged;
ALTER TABLE readings DROP COLUMN acknowledged;
