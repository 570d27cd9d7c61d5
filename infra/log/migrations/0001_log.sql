-- The event log. Rows of `events` and `sealed` are written once and never changed.

-- One row per shard, to be locked by whoever appends; never updated, so it cannot bloat.
CREATE TABLE shards (
    shard     smallint PRIMARY KEY CHECK (shard BETWEEN 0 AND 4095),
    opened_at bigint   NOT NULL
);

-- The first seven columns are what the stock postgres-es repository reads.
CREATE TABLE events (
    aggregate_type text COLLATE "C" NOT NULL,
    aggregate_id   text COLLATE "C" NOT NULL,
    sequence       bigint           NOT NULL CHECK (sequence >= 0),
    event_type     text             NOT NULL,
    event_version  text             NOT NULL,
    payload        json             NOT NULL, -- json, not jsonb: kept as the bytes that were written
    metadata       json             NOT NULL,
    shard          smallint         NOT NULL,
    position       bigint           NOT NULL CHECK (position >= 0),
    commit_id      uuid             NOT NULL,
    recorded_at    bigint           NOT NULL, -- microseconds since 1970 UTC
    leaf           bytea            NOT NULL CHECK (octet_length(leaf) = 32),
    PRIMARY KEY (aggregate_type, aggregate_id, sequence, shard),
    CONSTRAINT events_position UNIQUE (shard, position)
);

-- Texts kept apart from the events, encrypted under their subject's key.
CREATE TABLE sealed (
    shard      smallint NOT NULL,
    id         uuid     NOT NULL,
    subject    uuid     NOT NULL,
    ciphertext bytea    NOT NULL,
    PRIMARY KEY (id, shard)
);

-- States folded from streams, so that a long one need not be read whole. Worth only speed: any row
-- may be deleted at any time. `commit_id` is that of the stream's event at `sequence`: where the log
-- no longer says so, history has diverged and the snapshot is ignored.
CREATE TABLE snapshots (
    aggregate_type text COLLATE "C" NOT NULL,
    aggregate_id   text COLLATE "C" NOT NULL,
    shard          smallint         NOT NULL,
    schema_hash    bytea            NOT NULL,
    sequence       bigint           NOT NULL,
    commit_id      uuid             NOT NULL,
    state          text             NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, shard, schema_hash)
);
