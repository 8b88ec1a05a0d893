-- People who sign in with an account of their organisation: which account is which subject, for good. Name and e-mail are the
-- issuer's, as of the last time that they signed in.
CREATE TABLE people (
    issuer            TEXT COLLATE "C" NOT NULL CHECK (length(issuer) BETWEEN 1 AND 200),
    claim             TEXT COLLATE "C" NOT NULL CHECK (length(claim) BETWEEN 1 AND 200),
    subject           TEXT COLLATE "C" NOT NULL UNIQUE CHECK (length(subject) BETWEEN 1 AND 200),
    name              TEXT,
    email             TEXT,
    bound_at          TIMESTAMP        NOT NULL,
    last_signed_in_at TIMESTAMP        NOT NULL,
    PRIMARY KEY (issuer, claim)
);
