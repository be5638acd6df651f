-- +goose Up
CREATE TABLE audit (
    seq   BIGINT NOT NULL PRIMARY KEY, -- from 1, without a gap
    event TEXT   NOT NULL,             -- canonical JSON
    hash  BLOB   NOT NULL              -- of the hash before and this event
);

-- +goose Down
DROP TABLE audit;
