-- +goose Up
-- People are clients that sign in. Times are in seconds since 1970; a MAC is one under the server's pepper, in hex.
CREATE TABLE people (
    client  TEXT   NOT NULL PRIMARY KEY REFERENCES clients (id),
    login   TEXT   NOT NULL UNIQUE, -- MAC of the name that they sign in by
    record  BLOB   NOT NULL,        -- sealed: what they show, and what they were asked last
    version BIGINT NOT NULL         -- counts changes
);
CREATE TABLE sessions (
    id     TEXT   NOT NULL PRIMARY KEY,
    token  TEXT   NOT NULL UNIQUE, -- MAC of what the browser has
    client TEXT   NOT NULL REFERENCES people (client),
    record BLOB   NOT NULL, -- sealed: whose it is, and what was shown
    seen   BIGINT NOT NULL, -- about when it was last used
    until  BIGINT NOT NULL  -- when it is over, however much it is used
);
CREATE INDEX sessions_client ON sessions (client);
CREATE TABLE invitations (
    token  TEXT   NOT NULL PRIMARY KEY, -- MAC of what was handed over
    client TEXT   NOT NULL REFERENCES people (client),
    until  BIGINT NOT NULL
);
-- What may be answered once and was.
CREATE TABLE answered (
    challenge TEXT   NOT NULL PRIMARY KEY,
    until     BIGINT NOT NULL
);
-- Who fails to sign in, and from where.
CREATE TABLE failures (
    account TEXT    NOT NULL, -- MAC of the name that was given, whether anybody has it or not
    network TEXT    NOT NULL,
    count   INTEGER NOT NULL,
    until   BIGINT  NOT NULL, -- no answer is looked at before
    at      BIGINT  NOT NULL, -- of the last
    PRIMARY KEY (account, network)
);
-- What one person asks for and another has to confirm.
CREATE TABLE proposals (
    id     TEXT   NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE, -- in the order in which they were made
    record BLOB   NOT NULL, -- sealed: what is to be done, and who asks
    state  TEXT   NOT NULL,
    until  BIGINT NOT NULL,
    person TEXT   NOT NULL, -- who decided
    at     BIGINT NOT NULL  -- and when
);

-- +goose Down
DROP TABLE proposals;
DROP TABLE failures;
DROP TABLE answered;
DROP TABLE invitations;
DROP TABLE sessions;
DROP TABLE people;
