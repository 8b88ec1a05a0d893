-- A subscriber of a plan's events. Its secrets stand here and nowhere else; the journal has its document. Where it stands in
-- the journal is `position`, with `within` events of the next entry delivered already; and in time `watermark`.
CREATE TABLE webhooks (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    plan_id         INTEGER NOT NULL REFERENCES plans (id),
    subject         TEXT    NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    terms           TEXT    NOT NULL,
    active          INTEGER NOT NULL CHECK (active IN (0, 1)),
    disabled_reason TEXT,
    disabled_at     TEXT    CHECK (length(disabled_at) = 26),
    created_at      TEXT    NOT NULL CHECK (length(created_at) = 26),
    removed_at      TEXT    CHECK (length(removed_at) = 26),
    secret          TEXT    NOT NULL,
    former_secret   TEXT,
    former_until    TEXT    CHECK (length(former_until) = 26),
    changed_seq     INTEGER NOT NULL CHECK (changed_seq >= 1),
    position        INTEGER NOT NULL CHECK (position >= 0),
    within          INTEGER NOT NULL CHECK (within >= 0),
    watermark       TEXT    NOT NULL CHECK (length(watermark) = 26),
    watermark_key   TEXT    NOT NULL,
    failed          INTEGER NOT NULL CHECK (failed >= 0),
    next_attempt_at TEXT    NOT NULL CHECK (length(next_attempt_at) = 26),
    lease_holder    TEXT,
    lease_until     TEXT    CHECK (length(lease_until) = 26),
    ping            TEXT,
    logged          INTEGER NOT NULL CHECK (logged >= 0)
) STRICT;

CREATE INDEX webhooks_plan ON webhooks (plan_id);
CREATE INDEX webhooks_next_attempt ON webhooks (active, next_attempt_at);

-- What was attempted, the last thousand of each webhook.
CREATE TABLE deliveries (
    webhook_id TEXT    NOT NULL CHECK (length(webhook_id) = 36),
    number     INTEGER NOT NULL CHECK (number >= 1),
    message    TEXT    NOT NULL,
    event      TEXT    NOT NULL,
    attempt    INTEGER NOT NULL CHECK (attempt >= 1),
    at         TEXT    NOT NULL CHECK (length(at) = 26),
    outcome    TEXT    NOT NULL,
    status     INTEGER,
    detail     TEXT,
    PRIMARY KEY (webhook_id, number)
) STRICT;

-- Who was reminded on which day, so that nobody is reminded twice.
CREATE TABLE reminders (
    subject TEXT NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    day     TEXT NOT NULL CHECK (length(day) = 10),
    at      TEXT NOT NULL CHECK (length(at) = 26),
    PRIMARY KEY (subject, day)
) STRICT;
