-- +goose Up
-- Signed requests that were taken, where several servers take them.
CREATE TABLE nonces (
    name BLOB   NOT NULL PRIMARY KEY, -- stands for a key and a nonce
    made BIGINT NOT NULL              -- in seconds since 1970
);
CREATE INDEX nonces_made ON nonces (made);

-- +goose Down
DROP TABLE nonces;
