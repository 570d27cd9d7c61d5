//! What is asked of accounts and keys.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use mintmark_domain::Timestamp;
use mintmark_domain::account::{Scopes, Tier};
use mintmark_domain::es::Position;
use mintmark_domain::ids::{AccountId, SealedId};
use mintmark_domain::ports::IntegerKind;
use uuid::Uuid;

use crate::error::QueryError;
use crate::reads::ReadModels;
use crate::sql::{named, unsigned};

/// An account, with what everybody may see of its profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its public integer id.
    pub user_id: u64,
    /// The sealed profile; the address for mail is only there.
    pub profile: SealedId,
    /// Its unique name; `None` once the person is erased.
    pub username: Option<String>,
    /// What it is called: the username where nothing else was said.
    pub display_name: Option<String>,
    /// A few sentences.
    pub bio: Option<String>,
    /// An address of theirs.
    pub website: Option<String>,
    /// The asset key of their picture.
    pub avatar: Option<String>,
    /// Its limits.
    pub tier: Tier,
    /// Whether it may do nothing for now.
    pub suspended: bool,
    /// Whether the person is erased.
    pub erased: bool,
    /// When it came to be.
    pub created_at: Timestamp,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
    /// Where the event that registered it stands.
    pub position: Position,
}

/// An API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its public integer id.
    pub key_id: u64,
    /// Whose it is.
    pub account: AccountId,
    /// What its maker calls it.
    pub name: String,
    /// What is shown of it.
    pub prefix: String,
    /// What it may do.
    pub scopes: Scopes,
    /// The key it was made with.
    pub made_with: Option<u64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to within the writer's interval.
    pub last_used_at: Option<Timestamp>,
    /// Since when it may do nothing any more.
    pub revoked_at: Option<Timestamp>,
}

const ACCOUNTS: &str = "SELECT account_id, user_id, profile, username, display_name, bio, website, avatar, tier,
    suspended, erased, registered_at, updated_at, position FROM read_accounts_v2.accounts";

/// The author `a` of a row `c`, for lists. LIMIT 1 has each row look theirs up: prepared statements are planned for
/// pages of any length, and for long ones all accounts would be read first.
pub(crate) const AUTHOR: &str = "
    LEFT JOIN LATERAL (SELECT username FROM read_accounts_v2.accounts a WHERE a.account_id = c.account_id LIMIT 1)
        AS a ON true";

/// The highest of users, keys, creations, comments and teams.
type Highest = (Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>);

/// Rows of an account `a` that are as its stream says.
const READABLE: &str = "NOT EXISTS (SELECT FROM read_accounts_v2.unreadable u WHERE u.stream_id = a.account_id)";

#[derive(sqlx::FromRow)]
struct AccountView {
    account_id: Uuid,
    user_id: i64,
    profile: Uuid,
    username: Option<String>,
    display_name: Option<String>,
    bio: Option<String>,
    website: Option<String>,
    avatar: Option<String>,
    tier: String,
    suspended: bool,
    erased: bool,
    registered_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    position: i64,
}

impl AccountView {
    fn shown(self) -> Result<Account, QueryError> {
        Ok(Account {
            id: AccountId(self.account_id),
            user_id: unsigned("accounts", self.user_id)?,
            profile: SealedId(self.profile),
            username: self.username,
            display_name: self.display_name,
            bio: self.bio,
            website: self.website,
            avatar: self.avatar,
            tier: named("accounts", &self.tier)?,
            suspended: self.suspended,
            erased: self.erased,
            created_at: self.registered_at,
            updated_at: self.updated_at,
            position: Position(unsigned("accounts", self.position)?),
        })
    }
}

#[derive(sqlx::FromRow)]
struct KeyView {
    key_id: i64,
    account_id: Uuid,
    name: String,
    prefix: String,
    scopes: String,
    made_with: Option<i64>,
    created_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

impl KeyView {
    fn shown(self) -> Result<ApiKey, QueryError> {
        let scopes = serde_json::from_str(&self.scopes);
        Ok(ApiKey {
            key_id: unsigned("api_keys", self.key_id)?,
            account: AccountId(self.account_id),
            name: self.name,
            prefix: self.prefix,
            scopes: scopes.map_err(|error| QueryError::Row { table: "api_keys", why: error.to_string() })?,
            made_with: self.made_with.map(|id| unsigned("api_keys", id)).transpose()?,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            revoked_at: self.revoked_at,
        })
    }
}

impl ReadModels {
    /// One account; `None` if there is none.
    pub async fn account(&self, account: AccountId) -> Result<Option<Account>, QueryError> {
        self.account_is_readable(account.0).await?;
        Ok(self.accounts_by_id(&[account]).await?.pop())
    }

    /// Accounts by id, in no order; those that are not there, or that only a newer release understands,
    /// are left out. For dataloaders.
    pub async fn accounts_by_id(&self, accounts: &[AccountId]) -> Result<Vec<Account>, QueryError> {
        let ids: Vec<Uuid> = accounts.iter().map(|account| account.0).collect();
        let sql = format!("{ACCOUNTS} a WHERE account_id = ANY($1) AND {READABLE}");
        let rows: Vec<AccountView> = sqlx::query_as(&sql).bind(ids).fetch_all(&self.pool).await?;
        rows.into_iter().map(AccountView::shown).collect()
    }

    /// What those of the accounts that are there are called.
    pub async fn usernames(&self, accounts: &[AccountId]) -> Result<HashMap<AccountId, String>, QueryError> {
        if accounts.is_empty() {
            return Ok(HashMap::new());
        }
        let found = self.accounts_by_id(accounts).await?;
        Ok(found.into_iter().filter_map(|account| Some((account.id, account.username?))).collect())
    }

    /// The account of that name, as folded by the caller; `None` if there is none.
    pub async fn account_by_username(&self, username: &str) -> Result<Option<Account>, QueryError> {
        let sql = format!("{ACCOUNTS} WHERE username = $1");
        let row: Option<AccountView> = sqlx::query_as(&sql).bind(username).fetch_optional(&self.pool).await?;
        self.shown_if_readable(row).await
    }

    /// The account with that public integer id; `None` if there is none.
    pub async fn account_by_user_id(&self, user_id: u64) -> Result<Option<Account>, QueryError> {
        let sql = format!("{ACCOUNTS} WHERE user_id = $1");
        let user_id = i64::try_from(user_id).unwrap_or(i64::MAX);
        let row: Option<AccountView> = sqlx::query_as(&sql).bind(user_id).fetch_optional(&self.pool).await?;
        self.shown_if_readable(row).await
    }

    /// The highest public integer id of each kind that the read models show.
    pub async fn highest_integers(&self) -> Result<Vec<(IntegerKind, u64)>, QueryError> {
        let (user, key, creation, comment, team): Highest = sqlx::query_as(
            "SELECT (SELECT max(user_id) FROM read_accounts_v2.accounts),
                    (SELECT max(key_id) FROM read_accounts_v2.api_keys),
                    (SELECT max(number) FROM read_generation_v3.creations),
                    (SELECT max(number) FROM read_people_v1.comments),
                    (SELECT max(number) FROM read_people_v1.teams)",
        )
        .fetch_one(&self.pool)
        .await?;
        let highest = [
            (IntegerKind::User, user),
            (IntegerKind::ApiKey, key),
            (IntegerKind::Creation, creation),
            (IntegerKind::Comment, comment),
            (IntegerKind::Team, team),
        ];
        let known = highest.into_iter().filter_map(|(kind, highest)| Some((kind, highest?)));
        known.map(|(kind, highest)| Ok((kind, unsigned("accounts", highest)?))).collect()
    }

    async fn account_is_readable(&self, account: Uuid) -> Result<(), QueryError> {
        self.readable("SELECT EXISTS (SELECT FROM read_accounts_v2.unreadable WHERE stream_id = $1)", account).await
    }

    async fn shown_if_readable(&self, row: Option<AccountView>) -> Result<Option<Account>, QueryError> {
        let Some(row) = row else { return Ok(None) };
        self.account_is_readable(row.account_id).await?;
        row.shown().map(Some)
    }

    /// When a token of each of these OAuth clients was last used, to within some seconds; those never used
    /// are left out.
    pub async fn clients_last_used(&self, clients: &[&str]) -> Result<HashMap<String, Timestamp>, QueryError> {
        let rows: Vec<(String, DateTime<Utc>)> =
            sqlx::query_as("SELECT client_id, last_used_at FROM read_side.client_use WHERE client_id = ANY($1)")
                .bind(clients)
                .fetch_all(&self.pool)
                .await?;
        Ok(rows.into_iter().collect())
    }

    /// The keys of an account, the newest first; with `revoked` those too that may do nothing any more.
    pub async fn api_keys(&self, account: AccountId, revoked: bool) -> Result<Vec<ApiKey>, QueryError> {
        self.account_is_readable(account.0).await?;
        let rows: Vec<KeyView> = sqlx::query_as(
            "SELECT k.key_id, k.account_id, k.name, k.prefix, k.scopes, k.made_with, k.created_at, u.last_used_at,
                    k.revoked_at
             FROM read_accounts_v2.api_keys k LEFT JOIN read_side.key_use u ON u.key_id = k.key_id
             WHERE k.account_id = $1 AND ($2 OR k.revoked_at IS NULL) ORDER BY k.created_at DESC, k.key_id DESC",
        )
        .bind(account.0)
        .bind(revoked)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(KeyView::shown).collect()
    }
}
