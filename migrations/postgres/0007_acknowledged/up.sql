-- The codes of warnings that whoever sent the row stands by, with blanks between them.
ALTER TABLE readings ADD COLUMN acknowledged TEXT NOT NULL DEFAULT '';
ALTER TABLE targets ADD COLUMN acknowledged TEXT NOT NULL DEFAULT '';
