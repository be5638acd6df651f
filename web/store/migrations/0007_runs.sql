-- +goose Up
-- What a worker is asked to do, what became of it, and what approvers signed. Times are in seconds since 1970.
CREATE TABLE runs (
    id         TEXT    NOT NULL PRIMARY KEY,
    number     BIGINT  NOT NULL UNIQUE, -- in the order in which they were asked for
    kind       TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    client     TEXT    NOT NULL, -- who asked
    credential TEXT    NOT NULL,
    period     TEXT    NOT NULL,
    instant    TEXT    NOT NULL,
    supersedes TEXT    NOT NULL, -- why it takes the place of the statement of the same period
    unsigned   INTEGER NOT NULL,
    about      TEXT    NOT NULL, -- digest of a statement that was published
    content    BLOB,             -- an auditor's finding
    draft      BLOB,             -- what approvers sign
    digest     TEXT    NOT NULL, -- of the draft
    publish    TEXT    NOT NULL, -- digest of the draft that is to be published
    statement  TEXT    NOT NULL, -- digest of the statement that was published
    created    BIGINT  NOT NULL,
    changed    BIGINT  NOT NULL,
    due        BIGINT,           -- when a worker is to look at it
    cancel     INTEGER NOT NULL,
    worker     TEXT    NOT NULL,
    lease      BIGINT  NOT NULL, -- until then it is that worker's
    events     BIGINT  NOT NULL  -- number of the last one
);
CREATE TABLE run_events (
    run_id TEXT   NOT NULL REFERENCES runs (id),
    seq    BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    kind   TEXT   NOT NULL,
    text   TEXT   NOT NULL,
    PRIMARY KEY (run_id, seq)
);
CREATE TABLE run_approvals (
    run_id   TEXT   NOT NULL REFERENCES runs (id),
    digest   TEXT   NOT NULL, -- of the draft that was signed
    key_id   TEXT   NOT NULL, -- of the approver's key
    envelope BLOB   NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (run_id, digest, key_id)
);

-- +goose Down
DROP TABLE run_approvals;
DROP TABLE run_events;
DROP TABLE runs;
