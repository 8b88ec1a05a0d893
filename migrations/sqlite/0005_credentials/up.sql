-- What people and systems sign in with, besides the tokens of an issuer. Of a token or link only the SHA-256 is kept, of a
-- client's secrets an Argon2id hash. Rows stay when they are revoked: they say who had access, and since when.
CREATE TABLE credentials (
    id           TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    kind         TEXT    NOT NULL CHECK (kind IN ('token', 'link', 'client')),
    subject      TEXT    NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    title        TEXT    NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    plan_id      INTEGER REFERENCES plans (id),
    role         TEXT,
    methods      TEXT    NOT NULL,
    address      TEXT,
    digest       TEXT    UNIQUE CHECK (length(digest) = 64),
    created_at   TEXT    NOT NULL CHECK (length(created_at) = 26),
    created_by   TEXT    NOT NULL CHECK (length(created_by) BETWEEN 1 AND 200),
    expires_at   TEXT    CHECK (length(expires_at) = 26),
    last_used_at TEXT    CHECK (length(last_used_at) = 26),
    revoked_at   TEXT    CHECK (length(revoked_at) = 26),
    CHECK ((digest IS NULL) = (kind = 'client'))
) STRICT;

CREATE INDEX credentials_subject ON credentials (subject);
CREATE INDEX credentials_plan ON credentials (plan_id);

CREATE TABLE client_secrets (
    id           TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    client       TEXT NOT NULL REFERENCES credentials (id),
    hash         TEXT NOT NULL,
    created_at   TEXT NOT NULL CHECK (length(created_at) = 26),
    last_used_at TEXT CHECK (length(last_used_at) = 26)
) STRICT;

CREATE INDEX client_secrets_client ON client_secrets (client);

-- Requests that are not to be carried out twice, by the key they came with, and how they were answered.
CREATE TABLE answers (
    subject     TEXT    NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    key         TEXT    NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    fingerprint TEXT    NOT NULL,
    asked_at    TEXT    NOT NULL CHECK (length(asked_at) = 26),
    status      INTEGER,
    headers     TEXT,
    body        TEXT,
    PRIMARY KEY (subject, key)
) STRICT;

CREATE INDEX answers_asked_at ON answers (asked_at);
