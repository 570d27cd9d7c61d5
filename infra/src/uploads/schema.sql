-- Uploads: which files accounts may put, are putting or have put. Nothing of them is in the log; what a run
-- made of one is.
-- Of processes that start together one makes the table.
SELECT pg_advisory_xact_lock(7885078839346853735);
CREATE TABLE IF NOT EXISTS uploads (
    asset_id      text        PRIMARY KEY,
    account_id    uuid        NOT NULL,
    key           text        NOT NULL UNIQUE,
    content_type  text        NOT NULL,
    declared      bigint,
    state         text        NOT NULL CHECK (state IN ('open', 'storing', 'stored')),
    claim         uuid,
    claimed_until timestamptz,
    size_bytes    bigint,
    created_at    timestamptz NOT NULL,
    read_until    timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS uploads_by_account ON uploads (account_id, read_until);
CREATE INDEX IF NOT EXISTS uploads_by_end ON uploads (read_until);
CREATE INDEX IF NOT EXISTS uploads_unfinished ON uploads (created_at) WHERE state <> 'stored';
