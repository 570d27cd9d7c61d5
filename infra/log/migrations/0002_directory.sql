-- What is unique across all shards, and public integer ids. Can be rebuilt from the log.

CREATE TABLE claims (
    kind       text     NOT NULL,
    value      bytea    NOT NULL,
    owner      uuid     NOT NULL,
    shard      smallint NOT NULL, -- the owner's
    reference  bigint,
    claimed_at bigint   NOT NULL, -- microseconds since 1970 UTC
    confirmed  boolean  NOT NULL DEFAULT false,
    PRIMARY KEY (kind, value)
);
CREATE INDEX claims_of_owner ON claims (owner);
CREATE INDEX claims_unconfirmed ON claims (claimed_at) WHERE NOT confirmed;

-- The lowest number of each kind that was not set aside yet.
CREATE TABLE id_heads (
    kind text   PRIMARY KEY,
    next bigint NOT NULL CHECK (next > 0)
);

-- Ranges of numbers that belong to one shard, both ends included. They never overlap.
CREATE TABLE id_blocks (
    kind  text     NOT NULL,
    first bigint   NOT NULL,
    last  bigint   NOT NULL CHECK (last >= first),
    shard smallint NOT NULL,
    PRIMARY KEY (kind, first)
);
