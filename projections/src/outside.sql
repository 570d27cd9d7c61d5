-- Outside the log: what may be lost, or can be made again.
CREATE SCHEMA IF NOT EXISTS read_side;

-- From which definition each schema of read models was made.
CREATE TABLE IF NOT EXISTS read_side.definitions (
    schema text  PRIMARY KEY,
    sha256 bytea NOT NULL
);

-- When each API key was last used. Written behind, in batches.
CREATE TABLE IF NOT EXISTS read_side.key_use (
    key_id       bigint      PRIMARY KEY,
    last_used_at timestamptz NOT NULL
);

-- When a token of each OAuth client was last used. Written behind, in batches.
CREATE TABLE IF NOT EXISTS read_side.client_use (
    client_id    text        PRIMARY KEY,
    last_used_at timestamptz NOT NULL
);
