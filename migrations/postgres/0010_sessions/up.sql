-- People who look at pages: a link that signs somebody in once, and what a browser shows from then on.
ALTER TABLE credentials DROP CONSTRAINT credentials_kind_check;
ALTER TABLE credentials ADD CONSTRAINT credentials_kind_check
    CHECK (kind IN ('token', 'link', 'client', 'session', 'sign_in'));
