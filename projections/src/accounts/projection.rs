//! How accounts and keys are applied.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use mintmark_domain::account::{AccountEvent, InfluencerStatus, Profile};
use mintmark_domain::es::Recorded;
use mintmark_domain::ids::SealedId;
use mintmark_domain::ports::Vault;
use mintmark_domain::{Shard, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use super::rows::{AccountKey, AccountRow, KeyKey, KeyRow};
use super::trainings::{self, Trainings};
use crate::error::ApplyError;
use crate::fact::{Event, Fact, Kind};
use crate::positions::{position_column, shard_column};
use crate::projection::{Definition, Projection, ProjectionName};
use crate::table::Rows;

/// Accounts and API keys.
#[derive(Clone)]
pub struct AccountsProjection {
    vault: Arc<dyn Vault>,
}

impl AccountsProjection {
    /// Opens public profiles from `vault`.
    #[must_use]
    pub fn new(vault: Arc<dyn Vault>) -> Self {
        AccountsProjection { vault }
    }
}

impl std::fmt::Debug for AccountsProjection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccountsProjection")
    }
}

/// A public integer id as SQL keeps it.
fn number_column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[async_trait]
impl Projection for AccountsProjection {
    fn name(&self) -> ProjectionName {
        ProjectionName::Accounts
    }

    fn definition(&self) -> Definition {
        Definition {
            schema: "read_accounts_v2",
            ddl: include_str!("schema.sql"),
            tables: &[
                ("accounts", "account_id"),
                ("api_keys", "account_id, key_id"),
                ("trainings", "account_id, influencer_id"),
            ],
        }
    }

    fn wants(&self, kind: Kind) -> bool {
        match kind {
            Kind::Account => true,
            Kind::Wallet | Kind::Run | Kind::Creation | Kind::Batch | Kind::Webhook | Kind::People => false,
        }
    }

    async fn apply(&self, connection: &mut PgConnection, _: Shard, events: &[&Event]) -> Result<(), ApplyError> {
        let facts: Vec<(&Recorded, &AccountEvent)> = events
            .iter()
            .filter_map(|event| match &event.fact {
                Fact::Account(fact) => Some((&event.recorded, fact)),
                Fact::Wallet(_)
                | Fact::Run(_)
                | Fact::Creation(_)
                | Fact::Batch(_)
                | Fact::Webhook(_)
                | Fact::People(_)
                | Fact::Elsewhere
                | Fact::Unreadable(_)
                | Fact::Corrupt(_) => None,
            })
            .collect();
        let profiles = self.profiles(&facts).await?;
        let mut fold = load(connection, &facts).await?;
        fold.profiles = profiles;
        for (event, fact) in facts {
            fold.apply(event, fact)?;
        }
        fold.accounts.save(connection).await?;
        fold.keys.save(connection).await?;
        trainings::save(connection, fold.trainings).await?;
        erase(connection, fold.erased).await?;
        Ok(())
    }
}

impl AccountsProjection {
    /// The profiles that the events name. What an erased person said of themselves is absent.
    async fn profiles(&self, facts: &[(&Recorded, &AccountEvent)]) -> Result<HashMap<SealedId, Profile>, ApplyError> {
        let mut ids: Vec<SealedId> = Vec::new();
        let mut places = HashMap::new();
        for (event, fact) in facts {
            if let AccountEvent::Registered { profile, .. } | AccountEvent::ProfileChanged { profile } = fact {
                ids.push(*profile);
                places.insert(*profile, event.position);
            }
        }
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let opened = self.vault.open(&ids).await?;
        let read = opened.into_iter().map(|(id, text)| match serde_json::from_slice(&text) {
            Ok(profile) => Ok((id, profile)),
            // What the parser says would quote the person.
            Err(_) => Err(ApplyError::Corrupt {
                at: places.get(&id).copied().unwrap_or_default(),
                why: "its sealed profile is not a profile".to_owned(),
            }),
        });
        read.collect()
    }
}

struct Fold {
    accounts: Rows<AccountRow>,
    keys: Rows<KeyRow>,
    profiles: HashMap<SealedId, Profile>,
    erased: Vec<(Uuid, Timestamp)>,
    /// What the batch says last of each influencer: since when it is trained, if it is.
    trainings: Trainings,
}

async fn load(connection: &mut PgConnection, facts: &[(&Recorded, &AccountEvent)]) -> sqlx::Result<Fold> {
    let (mut accounts, mut keys) = (HashSet::new(), HashSet::new());
    let (mut new_accounts, mut new_keys) = (HashSet::new(), HashSet::new());
    for (event, fact) in facts {
        let account_id = event.stream.id;
        match fact {
            AccountEvent::Registered { .. } => {
                new_accounts.insert(account_id);
                continue;
            }
            AccountEvent::KeyIssued(key) => {
                new_keys.insert(KeyKey { account_id, key_id: number_column(key.key_id) });
            }
            AccountEvent::KeyRevoked { key_id, .. } => {
                let key = KeyKey { account_id, key_id: number_column(*key_id) };
                if !new_keys.contains(&key) {
                    keys.insert(key);
                }
            }
            AccountEvent::ProfileChanged { .. }
            | AccountEvent::ClientIssued(_)
            | AccountEvent::ClientRevoked { .. }
            | AccountEvent::TierChanged { .. }
            | AccountEvent::Suspended { .. }
            | AccountEvent::Reinstated {}
            | AccountEvent::VoiceAdded { .. }
            | AccountEvent::VoiceChanged { .. }
            | AccountEvent::VoiceArchived { .. }
            | AccountEvent::InfluencerAdded { .. }
            | AccountEvent::InfluencerChanged { .. }
            | AccountEvent::InfluencerMoved { .. }
            | AccountEvent::Erased { .. } => {}
        }
        if !new_accounts.contains(&account_id) {
            accounts.insert(AccountKey { account_id });
        }
    }
    Ok(Fold {
        accounts: Rows::load(connection, accounts.into_iter().collect()).await?,
        keys: Rows::load(connection, keys.into_iter().collect()).await?,
        profiles: HashMap::new(),
        erased: Vec::new(),
        trainings: Trainings::default(),
    })
}

impl Fold {
    fn apply(&mut self, event: &Recorded, fact: &AccountEvent) -> Result<(), ApplyError> {
        let account_id = event.stream.id;
        if let AccountEvent::Registered { user_id, profile, tier, .. } = fact {
            let mut row = registered(event, *user_id, *profile, tier.as_str());
            self.describe(&mut row, *profile);
            self.accounts.put(row);
            return Ok(());
        }
        let missing = |what: &str| ApplyError::Inconsistent {
            at: event.position,
            why: format!("{} of {what} that never came to be", event.event_type),
        };
        let mut row = self.accounts.get_mut(&AccountKey { account_id }).ok_or_else(|| missing("an account"))?.clone();
        row.updated_at = event.recorded_at;
        match fact {
            AccountEvent::Registered { .. } => {}
            AccountEvent::ProfileChanged { profile } => {
                row.profile = profile.0;
                self.describe(&mut row, *profile);
            }
            AccountEvent::KeyIssued(key) => self.keys.put(KeyRow {
                account_id,
                key_id: number_column(key.key_id),
                name: key.name.clone(),
                prefix: key.prefix.clone(),
                scopes: serde_json::to_string(&key.scopes)
                    .map_err(|error| ApplyError::Corrupt { at: event.position, why: error.to_string() })?,
                made_with: key.made_with.map(number_column),
                created_at: event.recorded_at,
                revoked_at: None,
            }),
            AccountEvent::KeyRevoked { key_id, .. } => {
                let key = KeyKey { account_id, key_id: number_column(*key_id) };
                self.keys.get_mut(&key).ok_or_else(|| missing("a key"))?.revoked_at = Some(event.recorded_at);
            }
            AccountEvent::TierChanged { tier } => row.tier = tier.as_str().to_owned(),
            AccountEvent::Suspended { .. } => row.suspended = true,
            AccountEvent::Reinstated {} => row.suspended = false,
            AccountEvent::Erased { .. } => {
                row.erased = true;
                undescribe(&mut row);
                self.erased.push((account_id, event.recorded_at));
            }
            AccountEvent::InfluencerMoved { influencer_id, status, .. } => {
                let since = (*status == InfluencerStatus::Training).then_some(event.recorded_at);
                self.trainings.insert((account_id, influencer_id.clone()), since);
            }
            // Lists of clients, voices and influencers are read from the account itself.
            AccountEvent::ClientIssued(_)
            | AccountEvent::ClientRevoked { .. }
            | AccountEvent::VoiceAdded { .. }
            | AccountEvent::VoiceChanged { .. }
            | AccountEvent::VoiceArchived { .. }
            | AccountEvent::InfluencerAdded { .. }
            | AccountEvent::InfluencerChanged { .. } => {}
        }
        if let Some(kept) = self.accounts.get_mut(&AccountKey { account_id }) {
            *kept = row;
        }
        Ok(())
    }

    /// Writes what everybody may see of a profile into the row.
    fn describe(&self, row: &mut AccountRow, profile: SealedId) {
        let Some(profile) = self.profiles.get(&profile).filter(|_| !row.erased) else {
            undescribe(row);
            return;
        };
        row.username = Some(profile.username.clone());
        let name = if profile.display_name.is_empty() { &profile.username } else { &profile.display_name };
        row.display_name = Some(name.clone());
        row.bio = Some(profile.bio.clone());
        row.website = Some(profile.website.clone());
        row.avatar = profile.avatar.clone();
    }
}

fn undescribe(row: &mut AccountRow) {
    row.username = None;
    row.display_name = None;
    row.bio = None;
    row.website = None;
    row.avatar = None;
}

fn registered(event: &Recorded, user_id: u64, profile: SealedId, tier: &str) -> AccountRow {
    AccountRow {
        account_id: event.stream.id,
        shard: shard_column(event.shard),
        position: position_column(event.position),
        user_id: number_column(user_id),
        registered_at: event.recorded_at,
        profile: profile.0,
        username: None,
        display_name: None,
        bio: None,
        website: None,
        avatar: None,
        tier: tier.to_owned(),
        suspended: false,
        erased: false,
        updated_at: event.recorded_at,
    }
}

/// An erased person's keys may do nothing any more, and what they were called goes.
async fn erase(connection: &mut PgConnection, erased: Vec<(Uuid, Timestamp)>) -> sqlx::Result<()> {
    if erased.is_empty() {
        return Ok(());
    }
    let (accounts, times): (Vec<Uuid>, Vec<Timestamp>) = erased.into_iter().unzip();
    sqlx::query(
        "UPDATE api_keys k SET name = '', revoked_at = coalesce(k.revoked_at, e.at)
         FROM unnest($1::uuid[], $2::timestamptz[]) AS e (account_id, at) WHERE k.account_id = e.account_id",
    )
    .bind(&accounts)
    .bind(times)
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM trainings WHERE account_id = ANY($1)").bind(accounts).execute(connection).await?;
    Ok(())
}
