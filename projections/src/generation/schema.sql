-- Runs, what they made, batches and usage: in one projection, because what one append says of them is
-- shown together.

CREATE TABLE runs (
    run_id              uuid           PRIMARY KEY,
    shard               smallint       NOT NULL,
    position            bigint         NOT NULL, -- of the event that accepted it
    recorded_at         timestamptz    NOT NULL, -- of that event
    account_id          uuid           NOT NULL,
    wallet_id           uuid           NOT NULL,
    team_id             uuid,
    key_id              bigint,
    surface             text           NOT NULL,
    operation           text           NOT NULL,
    capability          text           NOT NULL,
    model               text           NOT NULL,
    generator           text,
    provider            text           NOT NULL,
    batch_id            uuid,
    item_index          integer,
    inputs              uuid           NOT NULL, -- sealed
    quoted              numeric(20, 6) NOT NULL,
    request             text           NOT NULL, -- all that was requested, as JSON
    status              text           NOT NULL,
    attempt             integer        NOT NULL, -- 0 before the first
    client_id           text,
    node                text,
    submit_by           timestamptz,
    provider_request_id text,
    started_at          timestamptz,
    unknown_until       timestamptz,
    cancel_requested    boolean        NOT NULL,
    completed_at        timestamptz,
    captured            numeric(20, 6),
    refunded            numeric(20, 6) NOT NULL,
    rule                text,
    failure_code        text,
    failure_message     text,
    cost_amount         text,                    -- as the provider reported it
    cost_currency       text,
    updated_at          timestamptz    NOT NULL,
    updated_position    bigint         NOT NULL
) WITH (fillfactor = 70, toast_tuple_target = 4080);
CREATE INDEX runs_by_account ON runs (account_id, recorded_at, run_id);
CREATE INDEX runs_ended ON runs (account_id, completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX runs_not_delivered ON runs (account_id, recorded_at, run_id) WHERE status IN ('failed', 'cancelled');
-- The dispatcher's work: what has not ended.
CREATE INDEX runs_open ON runs (shard, position) WHERE completed_at IS NULL;

CREATE TABLE creations (
    creation_id      uuid        PRIMARY KEY,
    number           bigint      NOT NULL, -- the public integer id
    shard            smallint    NOT NULL,
    position         bigint      NOT NULL, -- of the event that opened it
    recorded_at      timestamptz NOT NULL, -- of that event; lists are ordered by it
    account_id       uuid        NOT NULL,
    user_id          bigint      NOT NULL,
    run_id           uuid        NOT NULL,
    output_index     integer     NOT NULL,
    team_id          uuid,
    generator        text,
    model            text        NOT NULL,
    media_type       text        NOT NULL,
    inputs           uuid        NOT NULL, -- sealed
    status           text        NOT NULL, -- opened, completed, failed, cancelled
    privacy          text        NOT NULL,
    license          text        NOT NULL,
    output           text,                 -- what was delivered, as JSON
    failure_code     text,
    failure_message  text,
    completed_at     timestamptz,
    hidden           boolean     NOT NULL,
    deleted_position bigint,
    -- In public lists from this position up to the next; earlier stays as a multirange. A walk that is
    -- pinned to a position counts what was listed there, so that nothing moves under it.
    listed_from      bigint,
    listed_until     bigint,
    listed_before    text,
    updated_at       timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX creations_by_number ON creations (number);
CREATE INDEX creations_by_run ON creations (run_id);
CREATE INDEX creations_by_account ON creations (account_id, recorded_at, number);
CREATE INDEX creations_by_team ON creations (team_id, recorded_at, number) WHERE team_id IS NOT NULL;
CREATE INDEX creations_listed ON creations (recorded_at, number) WHERE listed_from IS NOT NULL;
CREATE INDEX creations_listed_by_generator ON creations (generator, recorded_at, number)
    WHERE listed_from IS NOT NULL AND generator IS NOT NULL;
-- What one author has in public: a feed is put together from those of many.
CREATE INDEX creations_listed_by_author ON creations (account_id, recorded_at, number) WHERE listed_from IS NOT NULL;
CREATE INDEX creations_listed_by_author_generator ON creations (account_id, generator, recorded_at, number)
    WHERE listed_from IS NOT NULL AND generator IS NOT NULL;

-- Of one medium: one that few make lies far apart in the lists above.
CREATE INDEX creations_listed_by_media ON creations (media_type, recorded_at, number) WHERE listed_from IS NOT NULL;
CREATE INDEX creations_listed_by_author_media ON creations (account_id, media_type, recorded_at, number)
    WHERE listed_from IS NOT NULL;

-- How many creations everybody may see now.
CREATE TABLE listed_totals (
    shard      smallint NOT NULL,
    generator  text     NOT NULL, -- empty where none was used
    media_type text     NOT NULL,
    listed     bigint   NOT NULL,
    PRIMARY KEY (shard, generator, media_type)
) WITH (fillfactor = 70);

-- How many creations an account has.
CREATE TABLE creation_counts (
    account_id uuid   PRIMARY KEY,
    made       bigint NOT NULL, -- completed and not deleted
    listed     bigint NOT NULL  -- of these, to be seen by everybody
) WITH (fillfactor = 70);

CREATE TABLE batches (
    batch_id         uuid           PRIMARY KEY,
    shard            smallint       NOT NULL,
    position         bigint         NOT NULL,
    recorded_at      timestamptz    NOT NULL,
    account_id       uuid           NOT NULL,
    wallet_id        uuid           NOT NULL,
    key_id           bigint,
    surface          text           NOT NULL,
    request_id       text           NOT NULL,
    mode             text           NOT NULL,
    target           text           NOT NULL,
    concurrency      integer        NOT NULL,
    items            integer        NOT NULL,
    maximum          numeric(20, 6) NOT NULL,
    status           text           NOT NULL,
    waiting          integer        NOT NULL,
    running          integer        NOT NULL,
    succeeded        integer        NOT NULL,
    failed           integer        NOT NULL,
    cancelled        integer        NOT NULL,
    cancel_requested boolean        NOT NULL,
    completed_at     timestamptz,
    updated_at       timestamptz    NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX batches_by_account ON batches (account_id, recorded_at, batch_id);
CREATE INDEX batches_open ON batches (shard, position) WHERE completed_at IS NULL;

CREATE TABLE batch_items (
    batch_id   uuid           NOT NULL,
    item_index integer        NOT NULL,
    inputs     uuid           NOT NULL, -- sealed
    maximum    numeric(20, 6) NOT NULL,
    state      text           NOT NULL, -- waiting, running, succeeded, failed, cancelled
    run_id     uuid,
    PRIMARY KEY (batch_id, item_index)
) WITH (fillfactor = 80);

-- What ended on each UTC day.
CREATE TABLE usage_days (
    account_id uuid           NOT NULL,
    day        date           NOT NULL,
    capability text           NOT NULL,
    model      text           NOT NULL,
    surface    text           NOT NULL,
    key_id     bigint         NOT NULL, -- 0 where none was used
    succeeded  bigint         NOT NULL,
    failed     bigint         NOT NULL,
    cancelled  bigint         NOT NULL,
    credits    numeric(20, 6) NOT NULL, -- captured
    PRIMARY KEY (account_id, day, capability, model, surface, key_id)
) WITH (fillfactor = 70);
