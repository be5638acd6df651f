-- +goose Up
-- What happened and is to be told, in the transaction in which it did. Times are in milliseconds since 1970.
CREATE TABLE webhook_events (
    seq    BIGINT  NOT NULL PRIMARY KEY,
    at     BIGINT  NOT NULL,
    event  TEXT    NOT NULL,
    object TEXT    NOT NULL,
    spread INTEGER NOT NULL DEFAULT 0 -- 1: who is to be told stands in webhook_deliveries
);
CREATE TABLE webhook_deliveries (
    seq      BIGINT  NOT NULL REFERENCES webhook_events (seq),
    hook     TEXT    NOT NULL,
    attempts INTEGER NOT NULL,
    due      BIGINT  NOT NULL,
    PRIMARY KEY (seq, hook)
);
CREATE INDEX webhook_due ON webhook_deliveries (hook, due);
-- What is told once, though it goes on being so.
CREATE TABLE webhook_once (
    what TEXT   NOT NULL PRIMARY KEY,
    at   BIGINT NOT NULL
);

-- +goose Down
DROP TABLE webhook_once;
DROP TABLE webhook_deliveries;
DROP TABLE webhook_events;
