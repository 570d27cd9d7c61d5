//! Accounts: registration, profile, tier, suspension.

use super::claims::Claimed;
use super::core::Core;
use super::keys::{KeyForm, NewKey};
use super::refusal::Refusal;
use super::run_view::open_json;
use crate::Credits;
use crate::account::{Account, AccountCommand, ActsWith, IssuedKey, Profile, Scopes, Tier};
use crate::es::{Acting, Confirmed, DecideError, Position, StreamRef};
use crate::ids::{AccountId, PaymentId, SealedId, derived_id};
use crate::payment::{Payment, PaymentCommand, ReceivedPayment};
use crate::ports::{ClaimKind, ClaimRequest, DirectoryError, IntegerKind};
use crate::wallet::{CreditWallet, GrantSource, LotKind, WalletCommand, WalletOwner};

/// A new account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// 3 to 32 of `[a-z0-9_]`, starting with a letter; folded to lower case.
    pub username: String,
    /// An email address.
    pub email: String,
    /// Its limits.
    pub tier: Tier,
    /// One paid lot of exactly this; none if nothing.
    pub credits: Credits,
    /// What the first key may do.
    pub scopes: Scopes,
}

/// An account that was just made.
#[derive(Clone, PartialEq, Eq)]
pub struct Registered {
    /// Which.
    pub account: AccountId,
    /// Its public integer id.
    pub user_id: u64,
    /// Its first key.
    pub key: NewKey,
    /// Where it was confirmed.
    pub confirmed: Confirmed,
}

/// The same, with a first key or without one.
pub(super) struct RegisteredAs {
    pub account: AccountId,
    pub user_id: u64,
    pub key: Option<NewKey>,
    pub confirmed: Confirmed,
}

/// An account with its profile opened.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountView {
    /// Which.
    pub account: AccountId,
    /// Its state.
    pub state: Account,
    /// What the person says of themselves; empty once erased.
    pub profile: Profile,
    /// The shard's end at which it was read.
    pub as_of: Position,
}

impl Registration {
    /// How many characters an email address has at most (RFC 5321's path less its brackets).
    pub const EMAIL_MAX: usize = 254;

    /// The names folded, or the field that is wrong.
    pub(super) fn checked(mut self) -> Result<Self, Refusal> {
        self.username = self.username.trim().to_ascii_lowercase();
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let name = self.username.as_bytes();
        if !(3..=32).contains(&name.len()) || !name[0].is_ascii_lowercase() || !name.iter().all(|byte| allowed(*byte)) {
            return Err(Refusal::field("username", "must be 3 to 32 of a-z, 0-9 and _, starting with a letter"));
        }
        self.email = self.email.trim().to_owned();
        let plausible = self.email.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.')
        });
        let plain = self.email.bytes().all(|byte| byte.is_ascii_graphic());
        if !plausible || !plain || self.email.len() > Self::EMAIL_MAX || self.email.matches('@').count() != 1 {
            return Err(Refusal::field("email", "must be an email address of at most 254 characters"));
        }
        if self.credits.is_negative() {
            return Err(Refusal::field("credits", "must not be negative"));
        }
        Ok(self)
    }
}

/// Bounds of what a person may say of themselves.
impl Profile {
    /// How many characters a biography has at most.
    pub const BIO_MAX: usize = 1_000;
    /// How many characters a display name has at most.
    pub const DISPLAY_NAME_MAX: usize = 80;
    /// How many characters an address has at most.
    pub const WEBSITE_MAX: usize = 500;

    /// Refuses what is too long, or no address.
    pub fn check(&self) -> Result<(), Refusal> {
        let too_long = |text: &str, max: usize| text.chars().count() > max || text.contains('\0');
        if too_long(&self.bio, Self::BIO_MAX) {
            return Err(Refusal::field("bio", format!("must have at most {} characters", Self::BIO_MAX)));
        }
        if too_long(&self.display_name, Self::DISPLAY_NAME_MAX) {
            let message = format!("must have at most {} characters", Self::DISPLAY_NAME_MAX);
            return Err(Refusal::field("display_name", message));
        }
        let http = |address: &str| {
            url::Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        };
        if too_long(&self.website, Self::WEBSITE_MAX) || !(self.website.is_empty() || http(&self.website)) {
            let message = format!("must be an http or https address of at most {} characters", Self::WEBSITE_MAX);
            return Err(Refusal::field("website", message));
        }
        Ok(())
    }
}

impl Core {
    /// Makes an account with its wallet, its first key and, where credits are given, one paid lot.
    /// Username and email are claimed before; of several sign-ups for one name at once, one wins.
    pub async fn register(&self, registration: Registration) -> Result<Registered, Refusal> {
        let made = self.register_as(registration.checked()?, Acting::operator(), true).await?;
        let RegisteredAs { account, user_id, key, confirmed } = made;
        let key = key.ok_or_else(|| Refusal::Decide(DecideError::Defect("an account without its key".into())))?;
        Ok(Registered { account, user_id, key, confirmed })
    }

    /// The same in somebody's name, with a first key or without one. `registration` was checked.
    pub(super) async fn register_as(
        &self,
        registration: Registration,
        acting: Acting,
        with_key: bool,
    ) -> Result<RegisteredAs, Refusal> {
        let account = AccountId(self.new_id(self.shard_for_new_account()));
        let names = [
            (ClaimKind::Username, "username", self.vault.claim_value(ClaimKind::Username, &registration.username)),
            (ClaimKind::Email, "email", self.vault.claim_value(ClaimKind::Email, &registration.email.to_lowercase())),
        ];
        let mut claimed = Claimed::by(account);
        for (kind, field, value) in &names {
            let claim = ClaimRequest::new(*kind, value.clone(), account);
            if let Err(error) = self.claim(&mut claimed, claim).await {
                self.give_back(claimed).await;
                return Err(if error == DirectoryError::Taken { Refusal::Taken(field) } else { error.into() });
            }
        }
        let claims = [&names[0].2[..], &names[1].2];
        let result = self.register_claimed(&mut claimed, account, registration, claims, acting, with_key).await;
        self.settle_claims(claimed, &result).await;
        result
    }

    /// Accounts go round the shards by a random draw.
    fn shard_for_new_account(&self) -> crate::Shard {
        let mut draw = [0; 8];
        self.entropy.fill(&mut draw);
        let shards = &self.settings.shards;
        let index = usize::try_from(u64::from_be_bytes(draw) % shards.len().max(1) as u64).unwrap_or(0);
        shards.get(index).copied().unwrap_or_default()
    }

    async fn register_claimed(
        &self,
        claimed: &mut Claimed,
        account: AccountId,
        registration: Registration,
        [username_claim, email_claim]: [&[u8]; 2],
        acting: Acting,
        with_key: bool,
    ) -> Result<RegisteredAs, Refusal> {
        let shard = account.shard();
        let user_id = self.integers.next(IntegerKind::User, shard).await?;
        let first = match with_key {
            true => Some(self.first_key(claimed, account, registration.scopes.clone()).await?),
            false => None,
        };
        let profile_id = SealedId(self.new_id(shard));
        let profile = Profile {
            username: registration.username.clone(),
            email: registration.email.clone(),
            ..Profile::default()
        };
        let sealed = self.vault.seal(account.0, profile_id, &serde_json::to_vec(&profile).unwrap_or_default()).await?;
        let register = AccountCommand::Register {
            user_id,
            profile: profile_id,
            username_claim: hex::encode(username_claim),
            email_claim: hex::encode(email_claim),
            tier: registration.tier,
        };
        let (issued, key) = first.unzip();
        let (wallet, credits) = (account.wallet(), registration.credits);
        let payment = PaymentId(derived_id(shard, "opening_grant", &[account.0.as_bytes()]));
        let request = self
            .request(shard, acting, account)
            .stream(StreamRef::of::<Account>(account))
            .stream(StreamRef::of::<CreditWallet>(wallet))
            .stream(StreamRef::of::<Payment>(payment));
        let ((), confirmed) = self
            .decide(request, move |unit| {
                let at = unit.now();
                unit.execute::<Account>(account, register.clone())?;
                if let Some(key) = issued.clone() {
                    unit.execute::<Account>(account, AccountCommand::IssueKey { key, by: ActsWith::Operator })?;
                }
                unit.execute::<CreditWallet>(wallet, WalletCommand::Open { owner: WalletOwner::Account(account) })?;
                if credits.is_positive() {
                    let received = ReceivedPayment::granted(wallet, credits, None);
                    unit.execute::<Payment>(payment, PaymentCommand::Receive { received, at })?;
                    let source = GrantSource::Operator { reason: "opening credits".into(), payment: Some(payment) };
                    let (kind, amount) = (LotKind::Paid, credits);
                    let grant = WalletCommand::Grant { kind, amount, priority: 0, expires_at: None, source, at };
                    unit.execute::<CreditWallet>(wallet, grant)?;
                }
                unit.seal(sealed.clone());
                Ok(())
            })
            .await?;
        Ok(RegisteredAs { account, user_id, key, confirmed })
    }

    /// An account's first key, claimed.
    async fn first_key(
        &self,
        claimed: &mut Claimed,
        account: AccountId,
        scopes: Scopes,
    ) -> Result<(IssuedKey, NewKey), Refusal> {
        let key_id = self.integers.next(IntegerKind::ApiKey, account.shard()).await?;
        let (secret, hash, prefix) = self.new_secret(KeyForm::Generor);
        self.claim(claimed, ClaimRequest::new(ClaimKind::ApiKey, hash, account).referring_to(key_id)).await?;
        let name = "first key".to_owned();
        let issued = IssuedKey {
            key_id,
            name: name.clone(),
            prefix: prefix.clone(),
            hash: hex::encode(hash),
            scopes: scopes.clone(),
            made_with: None,
            made_with_client: None,
        };
        Ok((issued, NewKey { key_id, secret, prefix, name, scopes }))
    }

    /// The account of a username; `None` if nobody has it.
    pub async fn account_by_username(&self, username: &str) -> Result<Option<AccountId>, Refusal> {
        let value = self.vault.claim_value(ClaimKind::Username, &username.to_ascii_lowercase());
        Ok(self.directory.find(ClaimKind::Username, &value).await?.map(|claim| AccountId(claim.owner)))
    }

    /// An account at the shard's confirmed end, with its profile opened.
    pub async fn account_view(&self, account: AccountId) -> Result<AccountView, Refusal> {
        let (state, as_of) = self.load_at::<Account>(account).await?;
        let Some(profile_id) = state.profile() else { return Err(Refusal::NotFound("account")) };
        let mut opened = open_json(&*self.vault, vec![profile_id]).await?;
        let profile =
            opened.remove(&profile_id).and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default();
        Ok(AccountView { account, state, profile, as_of })
    }

    /// Lets an account do nothing for now, or act again; by the operator.
    pub async fn set_suspended(&self, account: AccountId, reason: Option<String>) -> Result<Confirmed, Refusal> {
        let request =
            self.request(account.shard(), Acting::operator(), account).stream(StreamRef::of::<Account>(account));
        let ((), confirmed) = self
            .decide(request, move |unit| {
                let command = match &reason {
                    Some(reason) => AccountCommand::Suspend { reason: reason.clone() },
                    None => AccountCommand::Reinstate,
                };
                unit.execute::<Account>(account, command)?;
                Ok(())
            })
            .await?;
        Ok(confirmed)
    }
}
