-- +goose Up
CREATE TABLE keysets (
    purpose TEXT   NOT NULL PRIMARY KEY,
    wrapped BLOB   NOT NULL, -- the keys, sealed by the KEK
    kek     TEXT   NOT NULL, -- the KEK's reference
    canary  BLOB   NOT NULL, -- what the newest of them sealed
    created BIGINT NOT NULL,
    rotated BIGINT NOT NULL
);
CREATE TABLE secrets (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL -- sealed
);
-- What was kept in clear before lies here until it is sealed, which SQL cannot do.
CREATE TABLE unsealed_keys (
    id          TEXT NOT NULL PRIMARY KEY,
    name        TEXT NOT NULL,
    permissions TEXT NOT NULL,
    reports     TEXT NOT NULL,
    networks    TEXT NOT NULL
);
INSERT INTO unsealed_keys SELECT id, name, permissions, reports, networks FROM keys;
ALTER TABLE keys DROP COLUMN name;
ALTER TABLE keys DROP COLUMN permissions;
ALTER TABLE keys DROP COLUMN reports;
ALTER TABLE keys DROP COLUMN networks;
ALTER TABLE keys ADD COLUMN record BLOB; -- sealed: what the key is for

-- +goose Down
ALTER TABLE keys DROP COLUMN record;
ALTER TABLE keys ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN permissions TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN reports TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN networks TEXT NOT NULL DEFAULT '';
DROP TABLE unsealed_keys;
DROP TABLE secrets;
DROP TABLE keysets;
