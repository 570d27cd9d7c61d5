//! The caller's account and keys.

use async_graphql::{Object, SimpleObject};
use mintmark_domain::account::Scope;
use mintmark_domain::usecases::AccountView;

use crate::guard::Needs;
use crate::scalar::Long;

/// The caller's account.
pub(crate) struct Account(pub AccountView);

/// The caller's account.
#[Object]
impl Account {
    /// `acct_` and 32 hex digits.
    async fn id(&self) -> async_graphql::ID {
        self.0.account.to_string().into()
    }

    /// The public integer id.
    async fn user_id(&self) -> Long {
        Long(self.0.state.user_id().unwrap_or_default())
    }

    /// The unique name.
    async fn username(&self) -> &str {
        &self.0.profile.username
    }

    /// The email address.
    async fn email(&self) -> &str {
        &self.0.profile.email
    }

    /// A few sentences.
    async fn bio(&self) -> &str {
        &self.0.profile.bio
    }

    /// An address of theirs.
    async fn website(&self) -> &str {
        &self.0.profile.website
    }

    /// `free`, `basic`, `pro`, `enterprise` or `unlimited`.
    async fn tier(&self) -> &str {
        self.0.state.tier().as_str()
    }

    /// The active API keys.
    #[graphql(guard = "Needs(Scope::AccountRead)")]
    async fn api_keys(&self) -> Vec<ApiKey> {
        self.0
            .state
            .keys()
            .map(|(id, key)| ApiKey {
                id: Long(id),
                prefix: key.prefix.clone(),
                name: key.name.clone(),
                scopes: key.scopes.names().into_iter().map(str::to_owned).collect(),
            })
            .collect()
    }
}

/// An API key, without its secret.
#[derive(SimpleObject)]
pub(crate) struct ApiKey {
    /// Its integer id.
    pub id: Long,
    /// What is shown of it.
    pub prefix: String,
    /// What its maker calls it.
    pub name: String,
    /// What it may do; empty for full access.
    pub scopes: Vec<String>,
}
