-- +goose Up
CREATE TABLE limits (
    name   TEXT NOT NULL PRIMARY KEY,
    policy TEXT NOT NULL -- instead of what is configured
);
CREATE TABLE quotas (
    day    BIGINT NOT NULL, -- of UTC, since 1970
    client TEXT   NOT NULL,
    used   BIGINT NOT NULL, -- requests, as of a second ago
    PRIMARY KEY (day, client)
);

-- A third kind of credential: SQLite alters no CHECK, so the table is made anew.
CREATE TABLE credentials_of_three_kinds (
    key_id      TEXT    NOT NULL REFERENCES keys (id),
    number      INTEGER NOT NULL, -- from 1, as keys are rotated
    mac         BLOB, -- of the secret
    public      BLOB, -- or a public key of Ed25519
    certificate BLOB, -- or the SHA-256 of a client's certificate
    created     BIGINT  NOT NULL,
    until       BIGINT  NOT NULL,
    PRIMARY KEY (key_id, number),
    CHECK (CASE WHEN mac IS NULL THEN 0 ELSE 1 END + CASE WHEN public IS NULL THEN 0 ELSE 1 END + CASE WHEN certificate IS NULL THEN 0 ELSE 1 END = 1)
);
INSERT INTO credentials_of_three_kinds (key_id, number, mac, public, created, until)
    SELECT key_id, number, mac, public, created, until FROM credentials;
DROP TABLE credentials;
ALTER TABLE credentials_of_three_kinds RENAME TO credentials;
CREATE INDEX credentials_certificate ON credentials (certificate) WHERE certificate IS NOT NULL;

-- +goose Down
DELETE FROM credentials WHERE certificate IS NOT NULL;
DROP TABLE quotas;
DROP TABLE limits;
