//! Every key, in words: the source of `docs/CONFIG.md`.

use super::{Config, ENV_PREFIX};

/// A key and what it means. Keys below a name of the operator's own have `*` in its place.
pub(super) const KEYS: &[(&str, &str)] = &[
    ("listen", "Address and port on which HTTP is served."),
    ("public_url", "What absolute links start with. Empty: `http://` and `listen`. Set it behind a proxy."),
    ("data_dir", "Directory of the embedded database, of stored files and of the master key."),
    ("database_url", "A Postgres to use instead of the embedded one (`postgres://…`). Also read from `DATABASE_URL`."),
    (
        "master_key_file",
        "File of the master key, mode 0600. Empty: `master.key` in `data_dir`. Made by the first start on an empty log; keep it apart from backups of the database.",
    ),
    ("master_key", "The master key itself, 64 hexadecimal digits, instead of a file."),
    ("shards", "How many shards new accounts go round, 1 to 4096. May be raised later, never lowered."),
    (
        "storage",
        "Where files are stored: a directory, a `file://` address, or `s3://bucket/prefix`. Empty: `assets` in `data_dir`.",
    ),
    (
        "catalog_dir",
        "A directory whose files replace those of the built-in catalog, one by one. Empty: built-in only. Check it with `mintmark catalog check`.",
    ),
    ("cors_origins", "Origins that may call from a browser; `*` for any."),
    (
        "trusted_proxies",
        "How many proxies of yours stand before the server and write `X-Forwarded-For`; with 0 the header counts for nothing.",
    ),
    ("demo_account", "Whether the first start makes a demo account and prints its key."),
    ("log.filter", "What is logged, in the filter syntax of `tracing` (`info`, `mintmark=debug,warn`)."),
    ("log.format", "`text` for people, `json` for machines."),
    (
        "egress.allow",
        "Hosts (`host` or `host:port`) that may be reached although they are not public, over http too. Everything else that a user names must be a public https address.",
    ),
    ("sandbox.instant", "The sandbox stores one ready asset by reference instead of drawing: for load tests."),
    ("sandbox.url", "Address of a sandbox that runs as its own process (`mintmark sandbox serve`). Empty: built in."),
    ("sandbox.concurrency", "How many jobs the sandbox works on at once."),
    ("running.unknown_hours", "How long an unknown outcome is probed before the run fails at no cost."),
    ("running.node_dead_seconds", "After how long without a sign of life another process takes a node's runs over."),
    ("running.queue_max", "How many runs may wait in one process; beyond that they wait in the log."),
    (
        "running.submit_window_seconds",
        "How long after it was written down that a run is about to be sent it may be sent. What a crash left in between is sent again only once this, the provider's timeout and five seconds have passed.",
    ),
    ("running.provider_timeout_seconds", "How long a provider behind the generic HTTP adapter may take to answer."),
    ("running.training_seconds", "How long the training of an influencer lasts."),
    (
        "running.youtube_downloader",
        "A service that answers `GET <address>?url=<video>` with the sound or the video, for transcriptions of YouTube videos. Empty: they are refused, unless the sandbox transcribes, which has a sample for them. If it is not public, name its host in `egress.allow` too.",
    ),
    ("providers.*.url", "Where a provider behind the generic HTTP adapter answers. Routes in the catalog name it."),
    ("providers.*.token", "Sent to it as a bearer token."),
    ("providers.*.concurrency", "How many jobs may be under way there."),
    (
        "bonuses.*.signup",
        "Free credits once, for accounts of that tier (`demo`: for the demo account), at their first authenticated call.",
    ),
    ("bonuses.*.daily", "Free credits once in a UTC day."),
    ("bonuses.*.weekly", "Free credits once in an ISO week."),
    ("bonuses.*.max", "The ceiling up to which free credits are refilled."),
    (
        "rate_limits.tiers.*.minute",
        "Requests per minute and key of that tier; an account has ten times that. The tier `unlimited` has no limits.",
    ),
    ("rate_limits.tiers.*.hour", "Requests per hour and key."),
    ("rate_limits.tiers.*.day", "Requests per day and key."),
    ("rate_limits.unauthenticated_per_minute", "Requests per minute and address without a key."),
    ("rate_limits.girlgenerator_submits_per_minute", "Submissions per minute and key in the GirlGeneratorAI dialect."),
    ("rate_limits.girlgenerator_polls_per_minute", "Polls per minute and key in the GirlGeneratorAI dialect."),
    (
        "rate_limits.cli_polls_per_minute",
        "How often a command line may ask how its sign-in stands, per minute and address.",
    ),
    (
        "rate_limits.sign_ins_per_minute",
        "Attempts at a password, and wrong ones at an OAuth client's secret, per minute, name and address; five times that per address over all names, twenty times that per name over all addresses.",
    ),
    ("rate_limits.pages_per_minute", "Pages for people, per minute and address."),
    ("writer.waiting_max", "How many decisions may wait per shard; beyond that requests are answered 503."),
    ("writer.cache_mb", "How many megabytes of states the writer keeps in memory, per shard."),
    ("s3.endpoint", "Where the S3 API answers that `storage` names. Empty: Amazon's own, or `AWS_ENDPOINT`."),
    ("s3.region", "Its region. Empty: `AWS_REGION`, else `us-east-1`."),
    ("s3.access_key_id", "The id of the key to it. Empty: `AWS_ACCESS_KEY_ID`."),
    ("s3.secret_access_key", "The key. Empty: `AWS_SECRET_ACCESS_KEY`."),
    ("s3.virtual_hosted", "Whether the bucket stands in the host's name rather than in the path."),
    (
        "uploads.count_max",
        "How many uploads an account may have at a time: opened in the last 15 minutes, or stored in the last 7 days.",
    ),
    ("uploads.bytes_max", "How many bytes all of them may have."),
    (
        "products.cache_seconds",
        "For how long a product page that was read is not fetched again for the same account. 0: always anew.",
    ),
    (
        "directory.sweep_seconds",
        "How often a server asks the log about claimed usernames, addresses and keys that were never confirmed.",
    ),
    (
        "directory.orphan_seconds",
        "After how long a claim of which the log knows nothing is given back. Much longer than any request may take.",
    ),
    (
        "accounts.sign_up",
        "Whether people may make accounts themselves, at `/sign-up`: of the tier `free`, with its bonuses. Otherwise only `mintmark account create` does.",
    ),
    (
        "webhooks.credits_low",
        "Below how many credits an account's endpoints are told `credits.low`, once a UTC day at most.",
    ),
    ("webhooks.retention_days", "For how long deliveries that came to their end are kept, and can be replayed."),
    ("webhooks.attempts_max", "How many webhook deliveries one process makes at once."),
    ("webhooks.per_endpoint_max", "How many of them may go to one endpoint; a single one while it fails."),
    (
        "payments.secrets",
        "What payment processors sign the events with that they send to `/payments/events`: `whsec_…`, up to 8, so that one can be replaced while both hold. None: no event is taken (503). In the environment as a list: `[\"whsec_…\"]`.",
    ),
    ("webhooks.timeout_seconds", "How long a webhook endpoint may take to answer, 1 to 30."),
];

/// The page `docs/CONFIG.md`.
pub fn markdown() -> String {
    let defaults = toml::Table::try_from(Config::default()).unwrap_or_default();
    let mut page = String::from(concat!(
        "# Configuration\n\n",
        "<!-- Generated from src/config/keys.rs; `mintmark config` prints it. -->\n\n",
        "One file, `mintmark.toml` in the working directory or the one that `--config` names. Every key can be set by\n",
        "environment too: `MINTMARK_` and the key in capitals, `__` between its parts. The environment goes before the\n",
        "file, `--data-dir` and `--listen` before both. An unknown key is an error.\n\n",
        "| key | environment | default | meaning |\n|---|---|---|---|\n",
    ));
    for (key, meaning) in KEYS {
        let environment = format!("{ENV_PREFIX}{}", key.to_uppercase().replace('.', "__"));
        let default = default_of(&defaults, key);
        page.push_str(&format!("| `{key}` | `{environment}` | {default} | {meaning} |\n"));
    }
    page
}

/// The default of a key as it would stand in the file; for `*` what there is by default.
fn default_of(defaults: &toml::Table, key: &str) -> String {
    let mut found = vec![(String::new(), toml::Value::Table(defaults.clone()))];
    for part in key.split('.') {
        found = found
            .into_iter()
            .flat_map(|(name, value)| match value {
                toml::Value::Table(table) if part == "*" => table.into_iter().collect::<Vec<_>>(),
                toml::Value::Table(table) => table.get(part).map(|value| (name, value.clone())).into_iter().collect(),
                _ => Vec::new(),
            })
            .collect();
    }
    let shown: Vec<String> = found
        .into_iter()
        .map(|(name, value)| if name.is_empty() { format!("`{value}`") } else { format!("{name} `{value}`") })
        .collect();
    shown.join(", ")
}
