-- +goose Up
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
