-- The journal of the service: what is in no plan's journal. Tokens, links and clients are here although most belong to a
-- plan: an entry in a plan's journal moves its version, which partners see.
CREATE TABLE service_journal (
    seq    BIGINT           NOT NULL PRIMARY KEY CHECK (seq >= 1),
    at     TIMESTAMP        NOT NULL,
    actor  TEXT COLLATE "C" NOT NULL CHECK (length(actor) BETWEEN 1 AND 200),
    action TEXT COLLATE "C" NOT NULL,
    kind   TEXT COLLATE "C" NOT NULL,
    key    TEXT COLLATE "C" NOT NULL,
    before TEXT,
    after  TEXT,
    reason TEXT,
    digest TEXT COLLATE "C" NOT NULL CHECK (length(digest) = 64)
);

-- One row: its last entry. Writers lock it, so that no two entries follow the same one.
CREATE TABLE service_head (
    id     BIGINT           NOT NULL PRIMARY KEY CHECK (id = 1),
    seq    BIGINT           NOT NULL CHECK (seq >= 0),
    digest TEXT COLLATE "C" NOT NULL CHECK (length(digest) = CASE WHEN seq = 0 THEN 0 ELSE 64 END),
    at     TIMESTAMP        NOT NULL
);

INSERT INTO service_head (id, seq, digest, at) VALUES (1, 0, '', '1970-01-01 00:00:00');
