//! API keys: issuing and revoking.

use sha2::{Digest, Sha256};

use super::authenticate::Caller;
use super::claims::Claimed;
use super::core::Core;
use super::refusal::Refusal;
use super::shown::is_name;
use crate::account::{Account, AccountCommand, ActsWith, IssuedKey, Scope, Scopes};
use crate::es::{Acting, Confirmed, StreamRef};
use crate::ids::AccountId;
use crate::ports::{ClaimKind, ClaimRequest, IntegerKind};

/// A key that was just made. The only time its secret is known.
#[derive(Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Its public integer id.
    pub key_id: u64,
    /// The key itself.
    pub secret: String,
    /// What is shown of it from now on.
    pub prefix: String,
    /// What its maker calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
}

/// Which form a new key takes (decision 16). Any key works on every dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyForm {
    /// `gnr_live_` and 40 hex digits.
    Generor,
    /// `gfa_live_<16 hex digits>.<48 hex digits>`.
    GenfireCli,
}

/// How many characters of either prefix there are, and how many of a key are shown after it.
const MARK_CHARS: usize = "gnr_live_".len();
const SHOWN_CHARS: usize = 8;

impl NewKey {
    /// How many characters a name has at most.
    pub const NAME_MAX: usize = 100;

    /// Whether `name` may be a key's name: 1 to 100 characters that are shown.
    pub fn check_name(name: &str) -> Result<(), Refusal> {
        if !is_name(name, Self::NAME_MAX) {
            return Err(Refusal::field("name", format!("must have 1 to {} printable characters", Self::NAME_MAX)));
        }
        Ok(())
    }
}

impl Core {
    /// A fresh secret, its hash and what is shown of it.
    pub(super) fn new_secret(&self, form: KeyForm) -> (String, [u8; 32], String) {
        let secret = match form {
            KeyForm::Generor => {
                let mut random = [0; 20];
                self.entropy.fill(&mut random);
                format!("gnr_live_{}", hex::encode(random))
            }
            KeyForm::GenfireCli => {
                let (mut id, mut random) = ([0; 8], [0; 24]);
                self.entropy.fill(&mut id);
                self.entropy.fill(&mut random);
                format!("gfa_live_{}.{}", hex::encode(id), hex::encode(random))
            }
        };
        let hash = Sha256::digest(secret.as_bytes()).into();
        let prefix = secret[..MARK_CHARS + SHOWN_CHARS].to_owned();
        (secret, hash, prefix)
    }

    /// Issues a key with the caller's key as its maker: never wider than that.
    pub async fn issue_key(&self, caller: &Caller, name: &str, scopes: Scopes) -> Result<(NewKey, Confirmed), Refusal> {
        caller.require(Scope::KeysWrite)?;
        self.new_key(caller.account, caller.acting(), caller.acts_with.clone(), name, scopes, KeyForm::Generor).await
    }

    /// Issues a key from the command line.
    pub async fn issue_key_by_operator(
        &self,
        account: AccountId,
        name: &str,
        scopes: Scopes,
    ) -> Result<(NewKey, Confirmed), Refusal> {
        self.new_key(account, Acting::operator(), ActsWith::Operator, name, scopes, KeyForm::Generor).await
    }

    pub(super) async fn new_key(
        &self,
        account: AccountId,
        acting: Acting,
        by: ActsWith,
        name: &str,
        scopes: Scopes,
        form: KeyForm,
    ) -> Result<(NewKey, Confirmed), Refusal> {
        NewKey::check_name(name)?;
        let key_id = self.integers.next(IntegerKind::ApiKey, account.shard()).await?;
        let (secret, hash, prefix) = self.new_secret(form);
        let mut claimed = Claimed::by(account);
        self.claim(&mut claimed, ClaimRequest::new(ClaimKind::ApiKey, hash, account).referring_to(key_id)).await?;
        let issued = IssuedKey {
            key_id,
            name: name.to_owned(),
            prefix: prefix.clone(),
            hash: hex::encode(hash),
            scopes: scopes.clone(),
            made_with: by.key_id(),
            made_with_client: by.client_id().map(str::to_owned),
        };
        let request = self.request(account.shard(), acting, account).stream(StreamRef::of::<Account>(account));
        let decided = self
            .decide(request, move |unit| {
                unit.state::<Account>(account).authorize(&by, Scope::KeysWrite)?;
                unit.execute::<Account>(account, AccountCommand::IssueKey { key: issued.clone(), by: by.clone() })?;
                Ok(())
            })
            .await;
        self.settle_claims(claimed, &decided).await;
        let ((), confirmed) = decided?;
        Ok((NewKey { key_id, secret, prefix, name: name.to_owned(), scopes }, confirmed))
    }

    /// Revokes a key: it may do nothing from now on, anywhere.
    pub async fn revoke_key(&self, caller: &Caller, key_id: u64) -> Result<Confirmed, Refusal> {
        caller.require(Scope::KeysWrite)?;
        self.end_key(caller.account, caller.acting(), caller.acts_with.clone(), key_id).await
    }

    /// Revokes a key from the command line.
    pub async fn revoke_key_by_operator(&self, account: AccountId, key_id: u64) -> Result<Confirmed, Refusal> {
        self.end_key(account, Acting::operator(), ActsWith::Operator, key_id).await
    }

    async fn end_key(
        &self,
        account: AccountId,
        acting: Acting,
        by: ActsWith,
        key_id: u64,
    ) -> Result<Confirmed, Refusal> {
        let request = self.request(account.shard(), acting, account).stream(StreamRef::of::<Account>(account));
        let (hash, confirmed) = self
            .decide(request, move |unit| {
                let holder = unit.state::<Account>(account);
                holder.authorize(&by, Scope::KeysWrite)?;
                let hash = holder.key(key_id).map(|key| key.hash.clone());
                unit.execute::<Account>(account, AccountCommand::RevokeKey { key_id, by: by.clone() })?;
                Ok(hash)
            })
            .await?;
        if let Some(hash) = hash.and_then(|hash| hex::decode(hash).ok()) {
            self.release_revoked(ClaimKind::ApiKey, &hash, account).await;
        }
        Ok(confirmed)
    }
}
