-- +goose Up
-- Times are in seconds since 1970; lists are words between blanks.
CREATE TABLE keys (
    id          TEXT   NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL,
    permissions TEXT   NOT NULL,
    reports     TEXT   NOT NULL,
    networks    TEXT   NOT NULL,
    created     BIGINT NOT NULL,
    used        BIGINT, -- about when it was last used
    revoked     BIGINT
);
CREATE TABLE credentials (
    key_id  TEXT    NOT NULL REFERENCES keys (id),
    number  INTEGER NOT NULL, -- from 1, as keys are rotated
    mac     BLOB, -- of the secret
    public  BLOB, -- or a public key of Ed25519
    created BIGINT  NOT NULL,
    until   BIGINT  NOT NULL,
    PRIMARY KEY (key_id, number),
    CHECK ((mac IS NULL) <> (public IS NULL))
);

-- +goose Down
DROP TABLE credentials;
DROP TABLE keys;
