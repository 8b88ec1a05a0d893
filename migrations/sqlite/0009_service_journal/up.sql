-- The journal of the service: what is in no plan's journal. Tokens, links and clients are here although most belong to a
-- plan: an entry in a plan's journal moves its version, which partners see.
CREATE TABLE service_journal (
    seq    INTEGER NOT NULL PRIMARY KEY CHECK (seq >= 1),
    at     TEXT    NOT NULL CHECK (length(at) = 26),
    actor  TEXT    NOT NULL CHECK (length(actor) BETWEEN 1 AND 200),
    action TEXT    NOT NULL,
    kind   TEXT    NOT NULL,
    key    TEXT    NOT NULL,
    before TEXT,
    after  TEXT,
    reason TEXT,
    digest TEXT    NOT NULL CHECK (length(digest) = 64)
) STRICT;

-- One row: its last entry. Writers lock it, so that no two entries follow the same one.
CREATE TABLE service_head (
    id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq    INTEGER NOT NULL CHECK (seq >= 0),
    digest TEXT    NOT NULL CHECK (length(digest) = CASE WHEN seq = 0 THEN 0 ELSE 64 END),
    at     TEXT    NOT NULL CHECK (length(at) = 26)
) STRICT;

INSERT INTO service_head (id, seq, digest, at) VALUES (1, 0, '', '1970-01-01 00:00:00.000000');
