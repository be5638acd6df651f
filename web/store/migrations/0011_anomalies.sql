-- +goose Up
-- What stood out of what clients do, and what was done about it. Times are in seconds since 1970, 0 for none.
CREATE TABLE anomalies (
    id         TEXT   NOT NULL PRIMARY KEY,
    number     BIGINT NOT NULL UNIQUE, -- in the order in which they were found
    version    BIGINT NOT NULL UNIQUE, -- counts changes of all of them
    rule       TEXT   NOT NULL,
    client     TEXT   NOT NULL,        -- empty: nobody's that is known
    credential TEXT   NOT NULL,
    network    TEXT   NOT NULL,
    saw        TEXT   NOT NULL,
    usual      TEXT   NOT NULL,
    action     TEXT   NOT NULL,
    undo       TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    until      BIGINT NOT NULL,        -- when the action ends by itself
    undone     BIGINT NOT NULL,        -- when somebody undid it
    person     TEXT   NOT NULL         -- and who
);
-- What a client usually does: counts, networks and operations, and nothing of a customer.
CREATE TABLE habits (
    client TEXT   NOT NULL PRIMARY KEY,
    record BLOB   NOT NULL,
    at     BIGINT NOT NULL
);

-- +goose Down
DROP TABLE habits;
DROP TABLE anomalies;
