-- +goose Up
-- Apps are clients that are let in by tokens (OAuth 2.0): for themselves, or for a customer who allowed it. Times are in seconds since 1970; a MAC is
-- one under the server's pepper, in hex.
CREATE TABLE apps (
    client TEXT NOT NULL PRIMARY KEY REFERENCES clients (id),
    record BLOB NOT NULL -- sealed: what it shows, and where it is answered
);
-- What an app asks a customer to allow, until that is decided.
CREATE TABLE pushed (
    id     TEXT   NOT NULL PRIMARY KEY, -- MAC of the request_uri, or of what the customer's browser has
    record BLOB   NOT NULL,             -- sealed
    until  BIGINT NOT NULL
);
CREATE TABLE grants (
    id      TEXT   NOT NULL PRIMARY KEY,
    app     TEXT   NOT NULL REFERENCES apps (client),
    subject TEXT   NOT NULL, -- MAC of the customer; empty: the app asks for itself
    record  BLOB   NOT NULL, -- sealed
    created BIGINT NOT NULL,
    until   BIGINT NOT NULL  -- when it is over, however much it is used
);
CREATE INDEX grants_subject ON grants (subject);
-- Codes, access tokens and refresh tokens. Of a grant that is revoked nothing is left.
CREATE TABLE tokens (
    id        TEXT   NOT NULL PRIMARY KEY, -- MAC of the token
    family    TEXT   NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    record    BLOB   NOT NULL, -- sealed
    until     BIGINT NOT NULL,
    used      BIGINT NOT NULL, -- when what is good once was; 0: it was not
    successor TEXT   NOT NULL, -- id of the token that took its place
    issued    TEXT   NOT NULL  -- id of the access token that came with a refresh token
);
CREATE INDEX tokens_family ON tokens (family);

-- +goose Down
DROP TABLE tokens;
DROP TABLE grants;
DROP TABLE pushed;
DROP TABLE apps;
