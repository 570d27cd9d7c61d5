-- What people say and do to each other: follows, comments, votes, ratings; teams; gifts that are under way.

CREATE TABLE follows (
    follower      uuid        NOT NULL,
    followee      uuid        NOT NULL,
    shard         smallint    NOT NULL,
    followed_at   timestamptz NOT NULL, -- the last time
    -- Holds from this position up to the next; earlier stays as a multirange. A walk that is pinned to a
    -- position shows what held there.
    listed_from   bigint      NOT NULL,
    listed_until  bigint,
    listed_before text,
    PRIMARY KEY (follower, followee)
) WITH (fillfactor = 80);
CREATE INDEX follows_of_follower ON follows (follower, followed_at, followee);
CREATE INDEX follows_of_followee ON follows (followee, followed_at, follower);

CREATE TABLE follow_counts (
    account_id uuid   PRIMARY KEY,
    followers  bigint NOT NULL,
    following  bigint NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE comments (
    comment_id       uuid        PRIMARY KEY,
    number           bigint      NOT NULL, -- the public integer id
    shard            smallint    NOT NULL,
    position         bigint      NOT NULL, -- of the event that made it
    recorded_at      timestamptz NOT NULL, -- of that event; lists are ordered by it
    creation_id      uuid        NOT NULL,
    account_id       uuid        NOT NULL,
    user_id          bigint      NOT NULL,
    parent_id        uuid,
    parent_number    bigint,
    depth            smallint    NOT NULL,
    body             uuid        NOT NULL, -- sealed
    ups              integer     NOT NULL,
    downs            integer     NOT NULL,
    answers          integer     NOT NULL, -- made at any time; whoever has some stays in the list as a gap
    deleted_position bigint
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX comments_by_number ON comments (number);
CREATE INDEX comments_of_creation ON comments (creation_id, recorded_at, number);

CREATE TABLE comment_counts (
    creation_id uuid   PRIMARY KEY,
    comments    bigint NOT NULL, -- made and not taken back
    listed      bigint NOT NULL  -- these, and gaps that hold answers
) WITH (fillfactor = 70);

CREATE TABLE votes (
    comment_id uuid NOT NULL,
    voter      uuid NOT NULL,
    vote       text NOT NULL,
    PRIMARY KEY (comment_id, voter)
) WITH (fillfactor = 80);

CREATE TABLE ratings (
    creation_id uuid     NOT NULL,
    rater       uuid     NOT NULL,
    score       smallint NOT NULL,
    PRIMARY KEY (creation_id, rater)
) WITH (fillfactor = 80);

CREATE TABLE rating_totals (
    creation_id uuid   PRIMARY KEY,
    ratings     bigint NOT NULL,
    scores      bigint NOT NULL -- their sum
) WITH (fillfactor = 70);

CREATE TABLE teams (
    team_id    uuid        PRIMARY KEY,
    number     bigint      NOT NULL, -- the public integer id
    shard      smallint    NOT NULL,
    position   bigint      NOT NULL,
    created_at timestamptz NOT NULL,
    name       text        NOT NULL,
    owner      uuid        NOT NULL,
    members    integer     NOT NULL,
    archived   boolean     NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX teams_by_number ON teams (number);

-- Who belongs to a team now.
CREATE TABLE team_members (
    team_id    uuid        NOT NULL,
    account_id uuid        NOT NULL,
    joined_at  timestamptz NOT NULL,
    PRIMARY KEY (team_id, account_id)
);
CREATE INDEX team_members_by_account ON team_members (account_id, joined_at, team_id);

-- Gifts that left their giver and are neither taken nor back.
CREATE TABLE gifts_open (
    gift_id uuid        PRIMARY KEY,
    sent_at timestamptz NOT NULL
);
CREATE INDEX gifts_open_by_age ON gifts_open (sent_at, gift_id);
