-- +goose Up
CREATE TABLE clients (
    id       TEXT   NOT NULL PRIMARY KEY,
    record   BLOB, -- sealed: who it is, and what it may
    created  BIGINT NOT NULL,
    expires  BIGINT,
    disabled BIGINT
);
-- A key that was there before is of a client of its own: such keys are for proofs, and nothing else.
INSERT INTO clients (id, created) SELECT id, created FROM keys;
CREATE TABLE unsealed_clients (id TEXT NOT NULL PRIMARY KEY); -- until their records are sealed, which SQL cannot do
INSERT INTO unsealed_clients SELECT id FROM keys;
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
DROP TABLE unsealed_clients;
DROP TABLE clients;
