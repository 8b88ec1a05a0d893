-- What people and systems sign in with, besides the tokens of an issuer. Of a token or link only the SHA-256 is kept, of a
-- client's secrets an Argon2id hash. Rows stay when they are revoked: they say who had access, and since when.
CREATE TABLE credentials (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    kind         TEXT COLLATE "C" NOT NULL CHECK (kind IN ('token', 'link', 'client')),
    subject      TEXT COLLATE "C" NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    title        TEXT             NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    plan_id      BIGINT           REFERENCES plans (id),
    role         TEXT COLLATE "C",
    methods      TEXT             NOT NULL,
    address      TEXT,
    digest       TEXT COLLATE "C" UNIQUE CHECK (length(digest) = 64),
    created_at   TIMESTAMP        NOT NULL,
    created_by   TEXT COLLATE "C" NOT NULL CHECK (length(created_by) BETWEEN 1 AND 200),
    expires_at   TIMESTAMP,
    last_used_at TIMESTAMP,
    revoked_at   TIMESTAMP,
    CHECK ((digest IS NULL) = (kind = 'client'))
);

CREATE INDEX credentials_subject ON credentials (subject);
CREATE INDEX credentials_plan ON credentials (plan_id);

CREATE TABLE client_secrets (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    client       TEXT COLLATE "C" NOT NULL REFERENCES credentials (id),
    hash         TEXT             NOT NULL,
    created_at   TIMESTAMP        NOT NULL,
    last_used_at TIMESTAMP
);

CREATE INDEX client_secrets_client ON client_secrets (client);

-- Requests that are not to be carried out twice, by the key they came with, and how they were answered.
CREATE TABLE answers (
    subject     TEXT COLLATE "C" NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    key         TEXT COLLATE "C" NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    fingerprint TEXT COLLATE "C" NOT NULL,
    asked_at    TIMESTAMP        NOT NULL,
    status      INTEGER,
    headers     TEXT,
    body        TEXT,
    PRIMARY KEY (subject, key)
);

CREATE INDEX answers_asked_at ON answers (asked_at);
