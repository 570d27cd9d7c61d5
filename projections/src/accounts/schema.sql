-- Accounts. Of what a person says of themselves only what everybody may see stands here in plain text;
-- the rest is sealed, and all of it goes when the person is erased.

CREATE TABLE accounts (
    account_id    uuid        PRIMARY KEY,
    shard         smallint    NOT NULL,
    position      bigint      NOT NULL, -- of the event that registered it
    user_id       bigint      NOT NULL, -- the public integer id
    registered_at timestamptz NOT NULL,
    profile       uuid        NOT NULL, -- sealed
    username      text,
    display_name  text,
    bio           text,
    website       text,
    avatar        text,                 -- an asset's key
    tier          text        NOT NULL,
    suspended     boolean     NOT NULL,
    erased        boolean     NOT NULL,
    updated_at    timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX accounts_by_user_id ON accounts (user_id);
CREATE INDEX accounts_by_username ON accounts (username) WHERE username IS NOT NULL;

CREATE TABLE api_keys (
    account_id uuid        NOT NULL,
    key_id     bigint      NOT NULL, -- the public integer id
    name       text        NOT NULL,
    prefix     text        NOT NULL,
    scopes     text        NOT NULL, -- as JSON
    made_with  bigint,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    PRIMARY KEY (account_id, key_id)
);

-- Influencers that are being trained; a row goes when its training ends.
CREATE TABLE trainings (
    account_id    uuid        NOT NULL,
    influencer_id text        NOT NULL,
    since         timestamptz NOT NULL,
    PRIMARY KEY (account_id, influencer_id)
);
CREATE INDEX trainings_by_age ON trainings (since);
