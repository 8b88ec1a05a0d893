DROP TABLE answers;
DROP TABLE client_secrets;
DROP TABLE credentials;
