-- Wallets as their owners see them.

CREATE TABLE wallets (
    wallet_id        uuid           PRIMARY KEY,
    shard            smallint       NOT NULL,
    position         bigint         NOT NULL, -- of the event that opened it
    owner_kind       text           NOT NULL, -- account, team, allowance
    account_id       uuid,                    -- whose it is, or who spends from it
    team_id          uuid,
    opened_at        timestamptz    NOT NULL,
    sequence         bigint         NOT NULL, -- of the last event applied
    paid             numeric(20, 6) NOT NULL, -- what can be spent, by kind
    free             numeric(20, 6) NOT NULL,
    earned           numeric(20, 6) NOT NULL,
    held             numeric(20, 6) NOT NULL,
    receivable       numeric(20, 6) NOT NULL,
    updated_at       timestamptz    NOT NULL,
    updated_position bigint         NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX wallets_by_account ON wallets (account_id);
-- Few are a team's, and these are looked through again and again.
CREATE INDEX wallets_of_teams ON wallets (wallet_id) WHERE team_id IS NOT NULL;

-- Credits that came in together; what is used up stays, with nothing left.
CREATE TABLE wallet_lots (
    wallet_id  uuid           NOT NULL,
    lot        integer        NOT NULL,
    kind       text           NOT NULL, -- free, earned, paid
    priority   smallint       NOT NULL,
    amount     numeric(20, 6) NOT NULL, -- at first
    granted_at timestamptz    NOT NULL,
    source     text           NOT NULL, -- purchase, bonus, gift, gift_returned, operator, refund
    reference  text,                    -- the payment, bonus, gift or run
    available  numeric(20, 6) NOT NULL,
    held       numeric(20, 6) NOT NULL,
    expires_at timestamptz,
    expired    boolean        NOT NULL,
    PRIMARY KEY (wallet_id, lot)
) WITH (fillfactor = 80);

-- Holds that are open.
CREATE TABLE wallet_holds (
    wallet_id   uuid           NOT NULL,
    hold_id     uuid           NOT NULL, -- of the run or batch
    held_for    text           NOT NULL, -- run, batch
    amount      numeric(20, 6) NOT NULL, -- at first
    held_at     timestamptz    NOT NULL,
    movement    bigint         NOT NULL, -- number of its transaction
    remaining   numeric(20, 6) NOT NULL,
    PRIMARY KEY (wallet_id, hold_id)
);

-- Every movement. At every position the sum of a wallet's amounts is what can be spent from it.
CREATE TABLE transactions (
    wallet_id     uuid           NOT NULL,
    number        bigint         NOT NULL, -- sequence of the event that began it
    shard         smallint       NOT NULL,
    position      bigint         NOT NULL, -- of that event
    recorded_at   timestamptz    NOT NULL,
    kind          text           NOT NULL,
    hold_id       uuid,
    run_id        uuid,
    batch_id      uuid,
    payment_id    uuid,
    gift_id       uuid,
    other_account uuid,                    -- who gave, or received, a gift
    lot           integer,                 -- the lot that came in or expired
    detail        text,                    -- a bonus's period; the operator's reason
    owed          numeric(20, 6) NOT NULL, -- what a chargeback could not take
    amount        numeric(20, 6) NOT NULL, -- signed
    held          numeric(20, 6) NOT NULL,
    captured      numeric(20, 6) NOT NULL,
    status        text           NOT NULL, -- pending, settled, released
    rule          text,
    balance_after numeric(20, 6) NOT NULL, -- what could be spent right after it last changed
    updated_at    timestamptz    NOT NULL,
    PRIMARY KEY (wallet_id, number)
) WITH (fillfactor = 85);
