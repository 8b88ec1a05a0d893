-- A subscriber of a plan's events. Its secrets stand here and nowhere else; the journal has its document. Where it stands in
-- the journal is `position`, with `within` events of the next entry delivered already; and in time `watermark`.
CREATE TABLE webhooks (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    plan_id         BIGINT           NOT NULL REFERENCES plans (id),
    subject         TEXT COLLATE "C" NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    terms           TEXT             NOT NULL,
    active          BOOLEAN          NOT NULL,
    disabled_reason TEXT,
    disabled_at     TIMESTAMP,
    created_at      TIMESTAMP        NOT NULL,
    removed_at      TIMESTAMP,
    secret          TEXT             NOT NULL,
    former_secret   TEXT,
    former_until    TIMESTAMP,
    changed_seq     BIGINT           NOT NULL CHECK (changed_seq >= 1),
    position        BIGINT           NOT NULL CHECK (position >= 0),
    within          INTEGER          NOT NULL CHECK (within >= 0),
    watermark       TIMESTAMP        NOT NULL,
    watermark_key   TEXT COLLATE "C" NOT NULL,
    failed          INTEGER          NOT NULL CHECK (failed >= 0),
    next_attempt_at TIMESTAMP        NOT NULL,
    lease_holder    TEXT COLLATE "C",
    lease_until     TIMESTAMP,
    ping            TEXT,
    logged          BIGINT           NOT NULL CHECK (logged >= 0)
);

CREATE INDEX webhooks_plan ON webhooks (plan_id);
CREATE INDEX webhooks_next_attempt ON webhooks (active, next_attempt_at);

-- What was attempted, the last thousand of each webhook.
CREATE TABLE deliveries (
    webhook_id TEXT COLLATE "C" NOT NULL CHECK (length(webhook_id) = 36),
    number     BIGINT           NOT NULL CHECK (number >= 1),
    message    TEXT COLLATE "C" NOT NULL,
    event      TEXT COLLATE "C" NOT NULL,
    attempt    INTEGER          NOT NULL CHECK (attempt >= 1),
    at         TIMESTAMP        NOT NULL,
    outcome    TEXT COLLATE "C" NOT NULL,
    status     INTEGER,
    detail     TEXT,
    PRIMARY KEY (webhook_id, number)
);

-- Who was reminded on which day, so that nobody is reminded twice.
CREATE TABLE reminders (
    subject TEXT COLLATE "C" NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    day     TEXT COLLATE "C" NOT NULL CHECK (length(day) = 10),
    at      TIMESTAMP        NOT NULL,
    PRIMARY KEY (subject, day)
);
