-- AUTOINCREMENT: the number of a deleted plan is never given to another, whatever still remembers it.
CREATE TABLE plans (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    code        TEXT    NOT NULL UNIQUE CHECK (length(code) BETWEEN 1 AND 64),
    public      INTEGER NOT NULL CHECK (public IN (0, 1)),
    seq         INTEGER NOT NULL CHECK (seq >= 0),
    head_digest TEXT    NOT NULL CHECK (length(head_digest) = CASE WHEN seq = 0 THEN 0 ELSE 64 END),
    changed_at  TEXT    NOT NULL CHECK (length(changed_at) = 26)
) STRICT;

CREATE TABLE journal (
    plan_id INTEGER NOT NULL REFERENCES plans (id),
    seq     INTEGER NOT NULL CHECK (seq >= 1),
    at      TEXT    NOT NULL CHECK (length(at) = 26),
    actor   TEXT    NOT NULL CHECK (length(actor) BETWEEN 1 AND 200),
    action  TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    before  TEXT,
    after   TEXT,
    reason  TEXT,
    digest  TEXT    NOT NULL CHECK (length(digest) = 64),
    PRIMARY KEY (plan_id, seq)
) STRICT;

-- With `seq`, so that the last entry by an instant is one step, however many changes were made at that instant.
CREATE INDEX journal_plan_at ON journal (plan_id, at, seq);
