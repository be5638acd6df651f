-- +goose Up
CREATE TABLE clients (
    id       TEXT   NOT NULL PRIMARY KEY,
    name     TEXT   NOT NULL,
    roles    TEXT   NOT NULL, -- words between blanks
    tier     TEXT   NOT NULL,
    scope    TEXT   NOT NULL, -- JSON
    created  BIGINT NOT NULL,
    expires  BIGINT,
    disabled BIGINT
);
-- A key that was there before is of a client of its own: such keys are for proofs, and nothing else.
INSERT INTO clients (id, name, roles, tier, scope, created) SELECT id, 'API key ' || id, 'service', 'standard', '{}', created FROM keys;
ALTER TABLE keys ADD COLUMN client TEXT REFERENCES clients (id);
UPDATE keys SET client = id;
CREATE INDEX keys_client ON keys (client);

-- What acts were answered with, for whoever asks again.
CREATE TABLE results (
    name    BLOB   NOT NULL PRIMARY KEY,
    request BLOB   NOT NULL, -- digest of what was asked
    sealed  BLOB   NOT NULL,
    until   BIGINT NOT NULL
);
CREATE INDEX results_until ON results (until);

-- +goose Down
DROP TABLE results;
DROP INDEX keys_client;
ALTER TABLE keys DROP COLUMN client;
DROP TABLE clients;
