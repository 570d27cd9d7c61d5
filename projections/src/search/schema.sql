-- What is found by the words of its prompt: what everybody may see, and nothing else.

-- Every creation, as far as search must know it. No word of it stands here.
CREATE TABLE creations (
    creation_id uuid        PRIMARY KEY,
    account_id  uuid        NOT NULL,
    number      bigint      NOT NULL,
    recorded_at timestamptz NOT NULL, -- of the event that opened it
    generator   text,
    inputs      uuid        NOT NULL, -- sealed
    made        boolean     NOT NULL,
    public      boolean     NOT NULL,
    gone        boolean     NOT NULL, -- deleted, hidden, or its owner erased
    listed_from bigint                -- since which position everybody may see it; null where not
) WITH (fillfactor = 80);
CREATE INDEX creations_by_account ON creations (account_id);

-- The words of what everybody may see. A row goes in the batch that takes its creation out of sight.
CREATE TABLE texts (
    creation_id uuid        PRIMARY KEY,
    shard       smallint    NOT NULL,
    position    bigint      NOT NULL, -- since when it can be found
    number      bigint      NOT NULL,
    recorded_at timestamptz NOT NULL,
    words       tsvector    NOT NULL  -- folded; its generator is a word with a colon before it
);
-- A list of what is pending would have to be read by each search.
CREATE INDEX texts_by_words ON texts USING gin (words) WITH (fastupdate = off);
CREATE INDEX texts_by_time ON texts (recorded_at, number);

-- How many texts there are.
CREATE TABLE totals (
    shard smallint PRIMARY KEY,
    texts bigint   NOT NULL
) WITH (fillfactor = 50);

-- In how many texts each word stands; gone with the last of them.
CREATE TABLE words (
    word  text     COLLATE "C" NOT NULL,
    shard smallint NOT NULL,
    texts bigint   NOT NULL,
    slips text[]   COLLATE "C" NOT NULL, -- its beginning with letters left out, by which misspellings find it
    PRIMARY KEY (word, shard)
) WITH (fillfactor = 70);
CREATE INDEX words_by_slips ON words USING gin (slips) WITH (fastupdate = off);
