CREATE TABLE plans (
    id          BIGINT           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code        TEXT COLLATE "C" NOT NULL UNIQUE CHECK (length(code) BETWEEN 1 AND 64),
    public      BOOLEAN          NOT NULL,
    seq         BIGINT           NOT NULL CHECK (seq >= 0),
    head_digest TEXT COLLATE "C" NOT NULL CHECK (length(head_digest) = CASE WHEN seq = 0 THEN 0 ELSE 64 END),
    changed_at  TIMESTAMP        NOT NULL
);

CREATE TABLE journal (
    plan_id BIGINT           NOT NULL REFERENCES plans (id),
    seq     BIGINT           NOT NULL CHECK (seq >= 1),
    at      TIMESTAMP        NOT NULL,
    actor   TEXT COLLATE "C" NOT NULL CHECK (length(actor) BETWEEN 1 AND 200),
    action  TEXT COLLATE "C" NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL,
    key     TEXT COLLATE "C" NOT NULL,
    before  TEXT,
    after   TEXT,
    reason  TEXT,
    digest  TEXT COLLATE "C" NOT NULL CHECK (length(digest) = 64),
    PRIMARY KEY (plan_id, seq)
);

-- With `seq`, so that the last entry by an instant is one step, however many changes were made at that instant.
CREATE INDEX journal_plan_at ON journal (plan_id, at, seq);
