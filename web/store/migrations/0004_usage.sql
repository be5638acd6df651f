-- +goose Up
-- Reads, those alike within a second as one row. Times in seconds since 1970, durations in microseconds.
CREATE TABLE usage (
    at         BIGINT  NOT NULL,
    client     TEXT    NOT NULL,
    credential TEXT    NOT NULL,
    network    TEXT    NOT NULL,
    operation  TEXT    NOT NULL,
    status     INTEGER NOT NULL,
    count      BIGINT  NOT NULL,
    took       BIGINT  NOT NULL, -- all of them
    longest    BIGINT  NOT NULL,
    PRIMARY KEY (at, client, credential, network, operation, status)
);
CREATE INDEX usage_client ON usage (client, at);
-- Where acts came from, beside the audit log, which tells the network alone.
CREATE TABLE audit_addresses (
    seq     BIGINT NOT NULL PRIMARY KEY, -- of the row
    at      BIGINT NOT NULL,
    address BLOB   NOT NULL -- sealed
);

-- +goose Down
DROP TABLE audit_addresses;
DROP TABLE usage;
