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

-- Webhooks: endpoints as the log has them up to the follower's checkpoint (webhook_follower). Settings
-- and secrets are sealed texts of the log.
CREATE TABLE IF NOT EXISTS read_side.webhook_endpoints (
    endpoint_id    uuid     PRIMARY KEY,
    shard          smallint NOT NULL,
    account_id     uuid     NOT NULL,
    wallet_id      uuid     NOT NULL, -- the account's own
    topics         text[]   NOT NULL,
    status         text     NOT NULL, -- active, disabled, deleted
    settings       uuid     NOT NULL,
    secret         uuid     NOT NULL,
    previous       uuid,              -- the secret before, which signs too
    previous_until timestamptz        -- until then
);
CREATE INDEX IF NOT EXISTS webhook_endpoints_by_account ON read_side.webhook_endpoints (account_id);
CREATE INDEX IF NOT EXISTS webhook_endpoints_by_wallet ON read_side.webhook_endpoints (wallet_id);
CREATE INDEX IF NOT EXISTS webhook_endpoints_active ON read_side.webhook_endpoints (shard) WHERE status = 'active';

-- What endpoints are told about, with the bytes that are sent of it, the same at every attempt.
CREATE TABLE IF NOT EXISTS read_side.webhook_events (
    event_id    uuid        PRIMARY KEY, -- derived from stream, sequence and topic
    shard       smallint    NOT NULL,
    account_id  uuid        NOT NULL,
    topic       text        NOT NULL,
    subject     text        NOT NULL, -- run, batch, credits, endpoint
    subject_id  uuid        NOT NULL,
    detail      text,                 -- credits: what is left and the threshold; endpoint: since when it fails
    position    bigint      NOT NULL,
    recorded_at timestamptz NOT NULL,
    body        bytea                 -- sealed under the account's key; made at the first attempt
);
CREATE INDEX IF NOT EXISTS webhook_events_by_account ON read_side.webhook_events (account_id);
CREATE INDEX IF NOT EXISTS webhook_events_by_time ON read_side.webhook_events (recorded_at);

-- Each telling of an event to an endpoint. While it is claimed, next_attempt_at is the claim's end.
CREATE TABLE IF NOT EXISTS read_side.webhook_deliveries (
    delivery_id     uuid        PRIMARY KEY, -- derived from event and endpoint; random for a replay
    event_id        uuid        NOT NULL,
    endpoint_id     uuid        NOT NULL,
    account_id      uuid        NOT NULL,
    topic           text        NOT NULL,
    run_id          uuid,
    batch_id        uuid,
    status          text        NOT NULL, -- pending, success, failed (given up without an attempt, too)
    attempts        integer     NOT NULL,
    response_status integer,
    response_body   text,                 -- its beginning
    last_error      text,
    request_headers text        NOT NULL, -- of the last attempt, as JSON
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    last_attempt_at timestamptz,
    next_attempt_at timestamptz,
    delivered_at    timestamptz
) WITH (fillfactor = 70);
-- Since when no attempt could be made, where that is so.
ALTER TABLE read_side.webhook_deliveries ADD COLUMN IF NOT EXISTS postponed_since timestamptz;
CREATE INDEX IF NOT EXISTS webhook_deliveries_by_account
    ON read_side.webhook_deliveries (account_id, created_at, delivery_id);
CREATE INDEX IF NOT EXISTS webhook_deliveries_by_endpoint
    ON read_side.webhook_deliveries (endpoint_id, created_at, delivery_id);
-- Endpoint before time: whoever claims steps from one endpoint to the next, past whatever waits for each.
CREATE INDEX IF NOT EXISTS webhook_deliveries_waiting
    ON read_side.webhook_deliveries (endpoint_id, next_attempt_at) WHERE status = 'pending';
DROP INDEX IF EXISTS read_side.webhook_deliveries_due;
CREATE INDEX IF NOT EXISTS webhook_deliveries_of_event ON read_side.webhook_deliveries (event_id);
CREATE INDEX IF NOT EXISTS webhook_deliveries_ended
    ON read_side.webhook_deliveries (updated_at) WHERE status <> 'pending';

-- How endpoints answer, as senders see it. Of those that are told only.
CREATE TABLE IF NOT EXISTS read_side.webhook_health (
    endpoint_id      uuid        PRIMARY KEY,
    last_delivery_at timestamptz NOT NULL,
    failing_since    timestamptz          -- since then nothing succeeded; null if the last attempt did
) WITH (fillfactor = 50);
