-- +goose Up
-- What servers that share the database have counted of late: each adds what it has seen. Times are in seconds since 1970.
CREATE TABLE tallies (
    at         BIGINT NOT NULL, -- when what is counted began: a minute, or an hour
    kind       TEXT   NOT NULL,
    client     TEXT   NOT NULL,
    credential TEXT   NOT NULL,
    network    TEXT   NOT NULL,
    n          BIGINT NOT NULL,
    PRIMARY KEY (client, at, kind, credential, network)
);
CREATE INDEX tallies_at ON tallies (at);

-- +goose Down
DROP TABLE tallies;
