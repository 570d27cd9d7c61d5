-- What every projection keeps beside its read models. Moved and written with them, in one transaction.

-- Up to where each shard's log is applied, and which commit stands there: if the log says otherwise
-- one day, history has diverged.
CREATE TABLE checkpoints (
    shard       smallint    PRIMARY KEY,
    position    bigint      NOT NULL,
    commit_id   uuid        NOT NULL,
    recorded_at timestamptz NOT NULL -- of the event at `position`
);

-- Streams that hold an event which only a newer release understands. Their rows stay as they were
-- before it and are not shown; a rebuild by that release heals them.
CREATE TABLE unreadable (
    stream_id  uuid     PRIMARY KEY,
    shard      smallint NOT NULL,
    position   bigint   NOT NULL, -- of the first such event
    event_type text     NOT NULL,
    why        text     NOT NULL
);
