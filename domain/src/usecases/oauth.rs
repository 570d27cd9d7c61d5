//! OAuth clients, and the access tokens that they are given.

use chrono::{SubsecRound as _, TimeDelta};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use super::authenticate::Caller;
use super::claims::Claimed;
use super::core::Core;
use super::keys::NewKey;
use super::refusal::Refusal;
use crate::account::{Account, AccountCommand, AccountError, ActsWith, IssuedClient, Scope, Scopes, Tier};
use crate::es::{Acting, Confirmed, StreamRef};
use crate::ids::AccountId;
use crate::ports::{ClaimKind, ClaimRequest, TokenGrant};

/// Before every OAuth client's id.
const CLIENT_MARK: &str = "gfo_oauth_";
/// Before every OAuth client's secret.
const SECRET_MARK: &str = "gfs_live_";
/// How long an access token holds, in seconds (GenFire's document).
pub const TOKEN_SECONDS: i64 = 3_600;
/// The longest client id and secret that are looked at, in bytes.
const CREDENTIAL_BYTES_MAX: usize = 200;

/// An OAuth client that was just made. The only time its secret is known.
#[derive(Clone, PartialEq, Eq)]
pub struct NewClient {
    /// `gfo_oauth_` and 24 hex digits.
    pub client_id: String,
    /// `gfs_live_` and 40 hex digits.
    pub secret: String,
    /// What its maker calls it.
    pub name: String,
    /// The most that its tokens may do.
    pub scopes: Scopes,
}

/// An access token that was just signed.
#[derive(Clone, PartialEq, Eq)]
pub struct NewToken {
    /// The token itself.
    pub token: String,
    /// What it may do, in the order in which it was asked for.
    pub scopes: Scopes,
    /// For how many seconds it holds.
    pub expires_in: i64,
    /// For whom it acts.
    pub account: AccountId,
    /// That account's limits.
    pub tier: Tier,
}

/// Every fine scope that a token of a client with full access has.
fn all_fine() -> Scopes {
    Scopes::only(Scope::ALL.iter().copied().filter(|scope| !scope.is_operators() && scope.expanded() == [*scope]))
}

impl Core {
    /// Makes an OAuth client, never wider than what it is made with.
    pub async fn create_client(
        &self,
        caller: &Caller,
        name: &str,
        scopes: Scopes,
    ) -> Result<(NewClient, Confirmed), Refusal> {
        caller.require(Scope::KeysWrite)?;
        self.new_client(caller.account, caller.acting(), caller.acts_with.clone(), name, scopes).await
    }

    /// Makes an OAuth client from the command line.
    pub async fn create_client_by_operator(
        &self,
        account: AccountId,
        name: &str,
        scopes: Scopes,
    ) -> Result<(NewClient, Confirmed), Refusal> {
        self.new_client(account, Acting::operator(), ActsWith::Operator, name, scopes).await
    }

    async fn new_client(
        &self,
        account: AccountId,
        acting: Acting,
        by: ActsWith,
        name: &str,
        scopes: Scopes,
    ) -> Result<(NewClient, Confirmed), Refusal> {
        NewKey::check_name(name)?;
        let (mut id, mut random) = ([0; 12], [0; 20]);
        self.entropy.fill(&mut id);
        self.entropy.fill(&mut random);
        let client_id = format!("{CLIENT_MARK}{}", hex::encode(id));
        let secret = format!("{SECRET_MARK}{}", hex::encode(random));
        let mut claimed = Claimed::by(account);
        self.claim(&mut claimed, ClaimRequest::new(ClaimKind::OauthClient, client_id.as_bytes(), account)).await?;
        let issued = IssuedClient {
            client_id: client_id.clone(),
            name: name.to_owned(),
            secret_hash: hex::encode(Sha256::digest(secret.as_bytes())),
            scopes: scopes.clone(),
            made_with: by.key_id(),
            made_with_client: by.client_id().map(str::to_owned),
        };
        let request = self.request(account.shard(), acting, account).stream(StreamRef::of::<Account>(account));
        let decided = self
            .decide(request, move |unit| {
                unit.state::<Account>(account).authorize(&by, Scope::KeysWrite)?;
                let command = AccountCommand::IssueClient { client: issued.clone(), by: by.clone() };
                unit.execute::<Account>(account, command)?;
                Ok(())
            })
            .await;
        self.settle_claims(claimed, &decided).await;
        let ((), confirmed) = decided?;
        Ok((NewClient { client_id, secret, name: name.to_owned(), scopes }, confirmed))
    }

    /// Revokes an OAuth client: it and its tokens may do nothing from now on, anywhere.
    pub async fn revoke_client(&self, caller: &Caller, client_id: &str) -> Result<Confirmed, Refusal> {
        caller.require(Scope::KeysWrite)?;
        self.end_client(caller.account, caller.acting(), caller.acts_with.clone(), client_id).await
    }

    /// Revokes an OAuth client from the command line.
    pub async fn revoke_client_by_operator(&self, account: AccountId, client_id: &str) -> Result<Confirmed, Refusal> {
        self.end_client(account, Acting::operator(), ActsWith::Operator, client_id).await
    }

    async fn end_client(
        &self,
        account: AccountId,
        acting: Acting,
        by: ActsWith,
        client_id: &str,
    ) -> Result<Confirmed, Refusal> {
        let command = AccountCommand::RevokeClient { client_id: client_id.to_owned() };
        let request = self.request(account.shard(), acting, account).stream(StreamRef::of::<Account>(account));
        let ((), confirmed) = self
            .decide(request, move |unit| {
                unit.state::<Account>(account).authorize(&by, Scope::KeysWrite)?;
                unit.execute::<Account>(account, command.clone())?;
                Ok(())
            })
            .await?;
        self.release_revoked(ClaimKind::OauthClient, client_id.as_bytes(), account).await;
        Ok(confirmed)
    }

    /// An access token for a client that knows its secret, on confirmed state. `asked` narrows the
    /// client's scopes; `None` is all of them. Errors: `Unauthenticated` for an unknown client or a wrong
    /// secret, a field `scope` with the code `invalid_scope`, a suspended account.
    pub async fn issue_token(&self, client_id: &str, secret: &str, asked: Option<&str>) -> Result<NewToken, Refusal> {
        let plain = |text: &str| !text.is_empty() && text.len() <= CREDENTIAL_BYTES_MAX && !text.contains('\0');
        if !plain(client_id) || !plain(secret) {
            return Err(Refusal::Unauthenticated);
        }
        let claim = self.directory.find(ClaimKind::OauthClient, client_id.as_bytes()).await?;
        let account_id = AccountId(claim.ok_or(Refusal::Unauthenticated)?.owner);
        let account: Account = self.load(account_id).await?;
        let client = account.client(client_id).ok_or(Refusal::Unauthenticated)?;
        let hash = hex::encode(Sha256::digest(secret.as_bytes()));
        if !bool::from(hash.as_bytes().ct_eq(client.secret_hash.as_bytes())) || account.is_erased() {
            return Err(Refusal::Unauthenticated);
        }
        if account.suspended().is_some() {
            return Err(AccountError::Suspended.into());
        }
        let scopes = narrowed(&client.scopes, asked)?;
        let issued_at = self.now().trunc_subsecs(0);
        let grant = TokenGrant {
            account: account_id,
            client_id: client_id.to_owned(),
            scopes: scopes.granted(),
            issued_at,
            expires_at: issued_at + TimeDelta::seconds(TOKEN_SECONDS),
        };
        let token = self.identity.tokens.sign(&grant).await?;
        Ok(NewToken { token, scopes, expires_in: TOKEN_SECONDS, account: account_id, tier: account.tier() })
    }

    /// For whom a token acts, and with what. Whether its client still holds is asked by [`Core::caller`].
    /// Errors: `Unauthenticated` where the token is not ours or holds no more.
    pub async fn token_holder(&self, token: &str) -> Result<(AccountId, ActsWith), Refusal> {
        let grant = self.identity.tokens.read(token, self.now()).await?.ok_or(Refusal::Unauthenticated)?;
        Ok((grant.account, ActsWith::Client { client_id: grant.client_id, scopes: grant.scopes }))
    }
}

/// What was asked, where the client has it; all that it has where nothing was.
fn narrowed(granted: &Scopes, asked: Option<&str>) -> Result<Scopes, Refusal> {
    let names: Vec<&str> = asked.unwrap_or_default().split(' ').filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return Ok(if *granted == Scopes::Full { all_fine() } else { granted.clone() });
    }
    let refuse = |message: String| Refusal::Field { field: "scope", code: "invalid_scope", message };
    let known: Result<Vec<Scope>, _> = names.iter().map(|name| name.parse::<Scope>()).collect();
    let scopes = Scopes::asked(known.map_err(|error| refuse(format!("holds an {error}")))?);
    if granted.cover(&scopes) {
        return Ok(scopes);
    }
    let has = if *granted == Scopes::Full { all_fine() } else { granted.clone() };
    Err(refuse(format!("may hold what the client has: {}", has.names().join(" "))))
}
