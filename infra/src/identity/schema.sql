-- Outside the log: short-lived, or secrets that no event may hold.

-- Keys that sign access tokens, each sealed under the master key. The newest signs; the others only
-- verify, until what they signed has expired.
CREATE TABLE IF NOT EXISTS token_keys (
    kid        text   PRIMARY KEY,
    sealed     bytea  NOT NULL,
    created_at bigint NOT NULL, -- microseconds since 1970 UTC
    retired_at bigint
);
-- One key signs at a time, however many processes start at once.
CREATE UNIQUE INDEX IF NOT EXISTS token_keys_signing ON token_keys ((true)) WHERE retired_at IS NULL;

-- Sessions in which a command line asks a person for a key.
CREATE TABLE IF NOT EXISTS cli_sessions (
    id         text    PRIMARY KEY,
    client_id  text    NOT NULL,
    challenge  text    NOT NULL,
    scopes     text    NOT NULL, -- asked for, as JSON
    label      text,
    status     text    NOT NULL,
    expires_at bigint  NOT NULL,
    wrong      integer NOT NULL DEFAULT 0,
    account    uuid,             -- who approved, as JSON with what, and what the key may do
    approved   text
);
CREATE INDEX IF NOT EXISTS cli_sessions_of_account ON cli_sessions (account) WHERE account IS NOT NULL;
CREATE INDEX IF NOT EXISTS cli_sessions_by_end ON cli_sessions (expires_at);

-- Hashes of passwords, sealed under the master key.
CREATE TABLE IF NOT EXISTS passwords (
    account    uuid        PRIMARY KEY,
    sealed     bytea       NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
-- Raised with each change: a session begins under the password that it was proven with.
ALTER TABLE passwords ADD COLUMN IF NOT EXISTS version bigint NOT NULL DEFAULT 1;

-- One-time links, by the hash of their token: one for each account.
CREATE TABLE IF NOT EXISTS sign_in_links (
    account    uuid   PRIMARY KEY,
    token      bytea  NOT NULL UNIQUE,
    expires_at bigint NOT NULL
);

-- Sessions of people, by the hash of their token.
CREATE TABLE IF NOT EXISTS web_sessions (
    token    bytea  PRIMARY KEY,
    account  uuid   NOT NULL,
    began_at bigint NOT NULL,
    seen_at  bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS web_sessions_of_account ON web_sessions (account, began_at);
CREATE INDEX IF NOT EXISTS web_sessions_by_use ON web_sessions (seen_at);
