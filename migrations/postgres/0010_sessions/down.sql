-- Who is signed in is signed out: the tables of before have no place for it.
DELETE FROM credentials WHERE kind IN ('session', 'sign_in');
ALTER TABLE credentials DROP CONSTRAINT credentials_kind_check;
ALTER TABLE credentials ADD CONSTRAINT credentials_kind_check CHECK (kind IN ('token', 'link', 'client'));
