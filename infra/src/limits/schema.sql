-- Rate limits of several processes: how many permits of each window are leased, and how many of those are known
-- to have been used. Outside the log, gone soon after their windows.
-- Of processes that start together one makes the table.
SELECT pg_advisory_xact_lock(119200062993523);
CREATE TABLE IF NOT EXISTS rate_limits (
    counter uuid    NOT NULL, -- a hash of what is counted
    seconds integer NOT NULL, -- the window's length
    ends_at bigint  NOT NULL, -- unix seconds
    most    bigint  NOT NULL, -- the limit
    leased  bigint  NOT NULL,
    used    bigint  NOT NULL,
    granted bigint  NOT NULL, -- what the last lease was given
    wanted  boolean NOT NULL, -- somebody found nothing while others held something
    PRIMARY KEY (counter, seconds, ends_at)
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS rate_limits_by_end ON rate_limits (ends_at);
CREATE INDEX IF NOT EXISTS rate_limits_wanted ON rate_limits (ends_at) WHERE wanted;
