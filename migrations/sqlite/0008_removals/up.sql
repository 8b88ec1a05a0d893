-- The last entry of the journal of each plan that was removed: all that stays of it. A plan that is made by the same code later
-- goes on counting from it, so that no version, tag or place in the feed of changes ever means two things.
CREATE TABLE removals (
    plan_id  INTEGER NOT NULL PRIMARY KEY,
    code     TEXT    NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    seq      INTEGER NOT NULL CHECK (seq >= 1),
    at       TEXT    NOT NULL CHECK (length(at) = 26),
    actor    TEXT    NOT NULL CHECK (length(actor) BETWEEN 1 AND 200),
    before   TEXT    NOT NULL,
    previous TEXT    NOT NULL CHECK (length(previous) IN (0, 64)),
    digest   TEXT    NOT NULL CHECK (length(digest) = 64),
    UNIQUE (code, seq)
) STRICT;
