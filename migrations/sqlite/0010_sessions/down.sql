-- Who is signed in is signed out: the tables of before have no place for it.
CREATE TABLE rebuilt_credentials (
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

INSERT INTO rebuilt_credentials (id, kind, subject, title, plan_id, role, methods, address, digest, created_at, created_by, expires_at, last_used_at, revoked_at)
    SELECT id, kind, subject, title, plan_id, role, methods, address, digest, created_at, created_by, expires_at, last_used_at, revoked_at
    FROM credentials
    WHERE kind NOT IN ('session', 'sign_in');

CREATE TABLE rebuilt_secrets (
    id           TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    client       TEXT NOT NULL REFERENCES rebuilt_credentials (id),
    hash         TEXT NOT NULL,
    created_at   TEXT NOT NULL CHECK (length(created_at) = 26),
    last_used_at TEXT CHECK (length(last_used_at) = 26)
) STRICT;

INSERT INTO rebuilt_secrets (id, client, hash, created_at, last_used_at)
    SELECT id, client, hash, created_at, last_used_at
    FROM client_secrets;

DROP TABLE client_secrets;
DROP TABLE credentials;
-- What refers to a table goes on referring to it under its new name.
ALTER TABLE rebuilt_credentials RENAME TO credentials;
ALTER TABLE rebuilt_secrets RENAME TO client_secrets;

CREATE INDEX credentials_subject ON credentials (subject);
CREATE INDEX credentials_plan ON credentials (plan_id);
CREATE INDEX client_secrets_client ON client_secrets (client);
