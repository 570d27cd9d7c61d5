-- What was read of product pages, for a while. Sealed under the account's key; the id is derived from the
-- account and a fingerprint of the address, so that neither can be read from here.
-- Of processes that start together one makes the table.
SELECT pg_advisory_xact_lock(7885078839346853735);
CREATE TABLE IF NOT EXISTS product_pages (
    id         uuid        PRIMARY KEY,
    account_id uuid        NOT NULL,
    read_at    timestamptz NOT NULL,
    content    bytea       NOT NULL
);
CREATE INDEX IF NOT EXISTS product_pages_by_time ON product_pages (read_at);
