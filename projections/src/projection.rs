//! What a projection is to the runner: a name, tables, and a way to apply a batch.

use std::fmt;

use async_trait::async_trait;
use mintmark_domain::Shard;
use sqlx::PgConnection;

use crate::error::ApplyError;
use crate::fact::{Event, Kind};

/// The projections there are. Each has its own runner and checkpoint per shard, so that one that is
/// stopped does not hold the others back; what must agree with each other is in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProjectionName {
    /// Wallets, their lots, holds and transactions.
    Wallets,
    /// Runs, creations, batches and usage.
    Generation,
    /// Accounts and API keys.
    Accounts,
    /// Follows, comments, votes, ratings, teams, gifts under way.
    People,
    /// The words of public creations.
    Search,
    /// What webhook endpoints are to be told: no read model, and never rebuilt.
    Webhooks,
}

impl ProjectionName {
    /// Every projection of read models.
    pub const ALL: [ProjectionName; 5] = [
        ProjectionName::Wallets,
        ProjectionName::Generation,
        ProjectionName::Accounts,
        ProjectionName::People,
        ProjectionName::Search,
    ];

    /// The name in metrics, settings and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ProjectionName::Wallets => "wallets",
            ProjectionName::Generation => "generation",
            ProjectionName::Accounts => "accounts",
            ProjectionName::People => "people",
            ProjectionName::Search => "search",
            ProjectionName::Webhooks => "webhooks",
        }
    }
}

impl fmt::Display for ProjectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for ProjectionName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let known = ProjectionName::ALL.into_iter().find(|name| name.as_str() == text);
        known
            .ok_or_else(|| format!("unknown projection {text:?}: one of wallets, generation, accounts, people, search"))
    }
}

/// The tables of a projection.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// The Postgres schema that holds the live version. Its number is raised whenever the tables or
    /// what is written into them change: two releases then work side by side, each on its own.
    pub schema: &'static str,
    /// Makes the tables, unqualified.
    pub ddl: &'static str,
    /// The tables that a rebuild must find equal, each with the columns that tell its rows apart.
    pub tables: &'static [(&'static str, &'static str)],
}

/// One set of read models that is applied as a whole.
#[async_trait]
pub trait Projection: Send + Sync + 'static {
    /// Which one it is.
    fn name(&self) -> ProjectionName;

    /// Its tables.
    fn definition(&self) -> Definition;

    /// Whether it is made from streams of that kind.
    fn wants(&self, kind: Kind) -> bool;

    /// Applies events in order, set-wise, on a connection whose `search_path` is the version's
    /// schema, inside the transaction that moves the checkpoint. Only events of wanted kinds are
    /// passed, none of them unreadable or corrupt.
    async fn apply(&self, connection: &mut PgConnection, shard: Shard, events: &[&Event]) -> Result<(), ApplyError>;
}
