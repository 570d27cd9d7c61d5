//! The account's state and its decisions.

use std::collections::BTreeMap;

use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use super::commands::AccountCommand;
use super::error::AccountError;
use super::events::{AccountEvent, InfluencerStatus, Tier};
use super::scope::Scopes;
use crate::Timestamp;
use crate::es;
use crate::ids::SealedId;

/// A key that may be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// What its maker calls it.
    pub name: String,
    /// What is shown of it.
    pub prefix: String,
    /// Hash of the secret in hex.
    pub hash: String,
    /// What it may do.
    pub scopes: Scopes,
}

/// An OAuth client that may be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthClient {
    /// What its maker calls it.
    pub name: String,
    /// Hash of the secret in hex.
    pub secret_hash: String,
    /// The most that its tokens may do.
    pub scopes: Scopes,
}

/// A cloned voice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voice {
    /// Its sealed details.
    pub details: SealedId,
}

/// A trained character.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Influencer {
    /// Its sealed details.
    pub details: SealedId,
    /// Where it stands.
    pub status: InfluencerStatus,
    /// What stands for its handle.
    pub handle_claim: Option<String>,
    /// Since when it stands there; `None` for a draft that never moved.
    pub moved_at: Option<Timestamp>,
}

/// A person or organisation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    user_id: Option<u64>,
    profile: Option<SealedId>,
    tier: Tier,
    keys: BTreeMap<u64, ApiKey>,
    /// The keys revoked last, oldest first: a late repetition does not bring one back. Ids come from
    /// blocks of several processes, so their order says nothing.
    revoked: Vec<u64>,
    clients: BTreeMap<String, OAuthClient>,
    voices: BTreeMap<String, Voice>,
    influencers: BTreeMap<String, Influencer>,
    suspended: Option<String>,
    erased: bool,
}

type Decided = Result<Vec<AccountEvent>, AccountError>;

impl Account {
    /// How many active API keys there may be (Generor's document).
    pub const ACTIVE_KEYS_MAX: usize = 10;
    /// How many revoked keys are remembered.
    pub const REVOKED_KEPT: usize = 100;
    /// How many OAuth clients there may be.
    pub const CLIENTS_MAX: usize = 50;
    /// How many voices, and how many influencers, there may be.
    pub const CHARACTERS_MAX: usize = 500;
    /// How many influencers it may ever have had: archived ones stay known to the runs that they were in.
    pub const INFLUENCERS_EVER_MAX: usize = 5_000;

    /// Its public integer id; `None` if there is no such account.
    #[must_use]
    pub fn user_id(&self) -> Option<u64> {
        self.user_id
    }

    /// The sealed profile.
    #[must_use]
    pub fn profile(&self) -> Option<SealedId> {
        self.profile
    }

    /// Its limits.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// The active keys, by id.
    pub fn keys(&self) -> impl Iterator<Item = (u64, &ApiKey)> {
        self.keys.iter().map(|(id, key)| (*id, key))
    }

    /// An active key.
    #[must_use]
    pub fn key(&self, key_id: u64) -> Option<&ApiKey> {
        self.keys.get(&key_id)
    }

    /// The OAuth clients, by id.
    pub fn clients(&self) -> impl Iterator<Item = (&str, &OAuthClient)> {
        self.clients.iter().map(|(id, client)| (id.as_str(), client))
    }

    /// An OAuth client that may be used.
    #[must_use]
    pub fn client(&self, client_id: &str) -> Option<&OAuthClient> {
        self.clients.get(client_id)
    }

    /// The voices, by id.
    pub fn voices(&self) -> impl Iterator<Item = (&str, &Voice)> {
        self.voices.iter().map(|(id, voice)| (id.as_str(), voice))
    }

    /// A voice that was not put away.
    #[must_use]
    pub fn voice(&self, voice_id: &str) -> Option<&Voice> {
        self.voices.get(voice_id)
    }

    /// An influencer, put away or not.
    #[must_use]
    pub fn influencer(&self, influencer_id: &str) -> Option<&Influencer> {
        self.influencers.get(influencer_id)
    }

    /// The influencers, by id.
    pub fn influencers(&self) -> impl Iterator<Item = (&str, &Influencer)> {
        self.influencers.iter().map(|(id, influencer)| (id.as_str(), influencer))
    }

    /// Why it is suspended, if it is.
    #[must_use]
    pub fn suspended(&self) -> Option<&str> {
        self.suspended.as_deref()
    }

    /// Whether the person was erased.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.erased
    }

    /// Whether a key with that id is among those revoked last.
    pub(super) fn was_revoked(&self, key_id: u64) -> bool {
        self.revoked.contains(&key_id)
    }

    pub(super) fn present(&self) -> Result<(), AccountError> {
        match (self.user_id, self.erased) {
            (None, _) => Err(AccountError::NotFound),
            (Some(_), true) => Err(AccountError::Erased),
            (Some(_), false) => Ok(()),
        }
    }

    fn known_voice(&self, voice_id: &str) -> Result<&Voice, AccountError> {
        self.present()?;
        self.voice(voice_id).ok_or(AccountError::NoSuchVoice)
    }

    fn known_influencer(&self, influencer_id: &str) -> Result<&Influencer, AccountError> {
        self.present()?;
        self.influencer(influencer_id).ok_or(AccountError::NoSuchInfluencer)
    }

    /// Refuses a handle that another influencer has which was not put away.
    fn free_handle(&self, influencer_id: &str, claim: Option<&String>) -> Result<(), AccountError> {
        let Some(claim) = claim else { return Ok(()) };
        let taken = self.influencers.iter().any(|(id, known)| {
            id != influencer_id
                && known.status != InfluencerStatus::Archived
                && known.handle_claim.as_ref() == Some(claim)
        });
        if taken { Err(AccountError::HandleTaken) } else { Ok(()) }
    }

    fn add_voice(&self, voice_id: String, details: SealedId) -> Decided {
        self.present()?;
        if let Some(known) = self.voices.get(&voice_id) {
            return if known.details == details { Ok(vec![]) } else { Err(AccountError::IdTaken) };
        }
        if self.voices.len() >= Self::CHARACTERS_MAX {
            return Err(AccountError::TooMany { max: Self::CHARACTERS_MAX });
        }
        Ok(vec![AccountEvent::VoiceAdded { voice_id, details }])
    }

    fn add_influencer(&self, influencer_id: String, details: SealedId, handle_claim: Option<String>) -> Decided {
        self.present()?;
        if let Some(known) = self.influencers.get(&influencer_id) {
            return if known.details == details { Ok(vec![]) } else { Err(AccountError::IdTaken) };
        }
        let active = self.influencers.values().filter(|one| one.status != InfluencerStatus::Archived).count();
        if active >= Self::CHARACTERS_MAX {
            return Err(AccountError::TooMany { max: Self::CHARACTERS_MAX });
        }
        if self.influencers.len() >= Self::INFLUENCERS_EVER_MAX {
            return Err(AccountError::TooMany { max: Self::INFLUENCERS_EVER_MAX });
        }
        self.free_handle(&influencer_id, handle_claim.as_ref())?;
        Ok(vec![AccountEvent::InfluencerAdded { influencer_id, details, handle_claim }])
    }

    fn move_influencer(&self, influencer_id: String, status: InfluencerStatus, at: Timestamp) -> Decided {
        use InfluencerStatus::{Archived, Draft, Ready, Training};
        let from = self.known_influencer(&influencer_id)?.status;
        match (from, status) {
            (same, asked) if same == asked => Ok(vec![]),
            (Draft | Ready, Training) | (Training, Ready | Draft) | (Draft | Training | Ready, Archived) => {
                Ok(vec![AccountEvent::InfluencerMoved { influencer_id, status, at: Some(at) }])
            }
            (Draft, Ready)
            | (Ready, Draft)
            | (Archived, _)
            | (Draft, Draft)
            | (Training, Training)
            | (Ready, Ready) => Err(AccountError::BadMove),
        }
    }
}

impl es::Aggregate for Account {
    const STATE_SCHEMA: &'static str = "account/3";

    fn decide(&self, command: AccountCommand) -> Decided {
        match command {
            AccountCommand::Register { user_id, profile, username_claim, email_claim, tier } => match self.user_id {
                None => Ok(vec![AccountEvent::Registered { user_id, profile, username_claim, email_claim, tier }]),
                Some(known) if known == user_id => Ok(vec![]),
                Some(_) => Err(AccountError::Exists),
            },
            AccountCommand::ChangeProfile { profile } => {
                self.present()?;
                let same = self.profile == Some(profile);
                Ok(if same { vec![] } else { vec![AccountEvent::ProfileChanged { profile }] })
            }
            AccountCommand::IssueKey { key, by } => self.issue_key(key, &by),
            AccountCommand::RevokeKey { key_id, by } => {
                self.present()?;
                match self.keys.get(&key_id) {
                    Some(_) => Ok(vec![AccountEvent::KeyRevoked { key_id, by_key: by.key_id() }]),
                    None => Err(AccountError::NoSuchKey),
                }
            }
            AccountCommand::IssueClient { client, by } => self.issue_client(client, &by),
            AccountCommand::RevokeClient { client_id } => {
                self.present()?;
                match self.clients.get(&client_id) {
                    Some(_) => Ok(vec![AccountEvent::ClientRevoked { client_id }]),
                    None => Err(AccountError::NoSuchClient),
                }
            }
            AccountCommand::ChangeTier { tier } => {
                self.present()?;
                Ok(if self.tier == tier { vec![] } else { vec![AccountEvent::TierChanged { tier }] })
            }
            AccountCommand::Suspend { reason } => {
                self.present()?;
                Ok(if self.suspended.is_some() { vec![] } else { vec![AccountEvent::Suspended { reason }] })
            }
            AccountCommand::Reinstate => {
                self.present()?;
                Ok(if self.suspended.is_none() { vec![] } else { vec![AccountEvent::Reinstated {}] })
            }
            AccountCommand::Authorize { by, scope } => self.authorize(&by, scope).map(|()| vec![]),
            AccountCommand::AddVoice { voice_id, details } => self.add_voice(voice_id, details),
            AccountCommand::ChangeVoice { voice_id, details } => {
                let same = self.known_voice(&voice_id)?.details == details;
                Ok(if same { vec![] } else { vec![AccountEvent::VoiceChanged { voice_id, details }] })
            }
            AccountCommand::ArchiveVoice { voice_id } => {
                self.known_voice(&voice_id)?;
                Ok(vec![AccountEvent::VoiceArchived { voice_id }])
            }
            AccountCommand::AddInfluencer { influencer_id, details, handle_claim } => {
                self.add_influencer(influencer_id, details, handle_claim)
            }
            AccountCommand::ChangeInfluencer { influencer_id, details, handle_claim } => {
                if self.known_influencer(&influencer_id)?.details == details {
                    return Ok(vec![]);
                }
                self.free_handle(&influencer_id, handle_claim.as_ref())?;
                Ok(vec![AccountEvent::InfluencerChanged { influencer_id, details, handle_claim }])
            }
            AccountCommand::MoveInfluencer { influencer_id, status, at } => {
                self.move_influencer(influencer_id, status, at)
            }
            AccountCommand::Erase { by } => match self.present() {
                Ok(()) => Ok(vec![AccountEvent::Erased { by }]),
                Err(AccountError::Erased) => Ok(vec![]),
                Err(error) => Err(error),
            },
        }
    }

    fn weight(&self) -> usize {
        size_of::<Self>()
            + self.keys.len() * 256
            + self.revoked.len() * 8
            + self.clients.len() * 256
            + (self.voices.len() + self.influencers.len()) * 128
    }
}

impl cqrs_es::Aggregate for Account {
    const TYPE: &'static str = "account";
    type Command = AccountCommand;
    type Event = AccountEvent;
    type Error = AccountError;
    type Services = ();

    async fn handle(
        &mut self,
        command: AccountCommand,
        _services: &(),
        sink: &EventSink<Self>,
    ) -> Result<(), AccountError> {
        for event in es::Aggregate::decide(self, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: AccountEvent) {
        match event {
            AccountEvent::Registered { user_id, profile, tier, .. } => {
                self.user_id = Some(user_id);
                self.profile = Some(profile);
                self.tier = tier;
            }
            AccountEvent::ProfileChanged { profile } => self.profile = Some(profile),
            AccountEvent::KeyIssued(key) => {
                let active = ApiKey { name: key.name, prefix: key.prefix, hash: key.hash, scopes: key.scopes };
                self.keys.insert(key.key_id, active);
            }
            AccountEvent::KeyRevoked { key_id, .. } => {
                self.keys.remove(&key_id);
                if self.revoked.len() >= Self::REVOKED_KEPT {
                    self.revoked.remove(0);
                }
                self.revoked.push(key_id);
            }
            AccountEvent::ClientIssued(client) => {
                let active = OAuthClient { name: client.name, secret_hash: client.secret_hash, scopes: client.scopes };
                self.clients.insert(client.client_id, active);
            }
            AccountEvent::ClientRevoked { client_id } => {
                self.clients.remove(&client_id);
            }
            AccountEvent::TierChanged { tier } => self.tier = tier,
            AccountEvent::Suspended { reason } => self.suspended = Some(reason),
            AccountEvent::Reinstated {} => self.suspended = None,
            AccountEvent::VoiceAdded { voice_id, details } | AccountEvent::VoiceChanged { voice_id, details } => {
                self.voices.insert(voice_id, Voice { details });
            }
            AccountEvent::VoiceArchived { voice_id } => {
                self.voices.remove(&voice_id);
            }
            AccountEvent::InfluencerAdded { influencer_id, details, handle_claim } => {
                let added = Influencer { details, status: InfluencerStatus::Draft, handle_claim, moved_at: None };
                self.influencers.insert(influencer_id, added);
            }
            AccountEvent::InfluencerChanged { influencer_id, details, handle_claim } => {
                if let Some(influencer) = self.influencers.get_mut(&influencer_id) {
                    influencer.details = details;
                    influencer.handle_claim = handle_claim.or(influencer.handle_claim.take());
                }
            }
            AccountEvent::InfluencerMoved { influencer_id, status, at } => {
                if let Some(influencer) = self.influencers.get_mut(&influencer_id) {
                    influencer.status = status;
                    influencer.moved_at = at.or(influencer.moved_at);
                }
            }
            AccountEvent::Erased { .. } => {
                self.erased = true;
                self.keys.clear();
                self.clients.clear();
            }
        }
    }
}
