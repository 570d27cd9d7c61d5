//! What happened to an account.

use std::fmt;
use std::str::FromStr;

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::scope::Scopes;
use crate::Timestamp;
use crate::ids::SealedId;

/// Which limits and bonuses an account has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// 30 requests a minute by default.
    #[default]
    Free,
    /// 60.
    Basic,
    /// 120.
    Pro,
    /// 300.
    Enterprise,
    /// No rate limits; for tests, benches and the operator's own use.
    Unlimited,
}

impl Tier {
    /// Every tier.
    pub const ALL: [Tier; 5] = [Tier::Free, Tier::Basic, Tier::Pro, Tier::Enterprise, Tier::Unlimited];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Tier::Free => "free",
            Tier::Basic => "basic",
            Tier::Pro => "pro",
            Tier::Enterprise => "enterprise",
            Tier::Unlimited => "unlimited",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Tier {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Tier::ALL
            .into_iter()
            .find(|tier| tier.as_str() == text)
            .ok_or_else(|| format!("unknown tier {text:?}: one of free, basic, pro, enterprise, unlimited"))
    }
}

/// What a person says of themselves; sealed under the account's key, never in an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// Unique, 3 to 32 of `[a-z0-9_]`.
    pub username: String,
    /// Unique.
    pub email: String,
    /// What GenFire shows as the name; the username if empty.
    pub display_name: String,
    /// A few sentences.
    pub bio: String,
    /// An address of theirs.
    pub website: String,
    /// The asset key of their picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
}

/// A new key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedKey {
    /// Its public integer id.
    pub key_id: u64,
    /// What its maker calls it.
    pub name: String,
    /// What is shown of it: `gnr_live_a1b2c3d4`.
    pub prefix: String,
    /// Hash of the secret in hex, by which the directory finds it.
    pub hash: String,
    /// What it may do.
    pub scopes: Scopes,
    /// The key it was made with; absent where it was made otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_with: Option<u64>,
    /// The OAuth client with whose token it was made; absent where it was made otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_with_client: Option<String>,
}

/// A new OAuth client, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedClient {
    /// `gfo_oauth_…`.
    pub client_id: String,
    /// What its maker calls it.
    pub name: String,
    /// Hash of the secret in hex.
    pub secret_hash: String,
    /// The most that its tokens may do.
    pub scopes: Scopes,
    /// The key it was made with; absent where it was made otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_with: Option<u64>,
    /// The OAuth client with whose token it was made; absent where it was made otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_with_client: Option<String>,
}

/// Where an influencer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InfluencerStatus {
    /// Being described.
    Draft,
    /// Being trained.
    Training,
    /// Can be mentioned.
    Ready,
    /// Put away.
    Archived,
}

/// A fact about an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountEvent {
    /// It came to be.
    Registered {
        /// Its public integer id.
        user_id: u64,
        /// The sealed [`Profile`].
        profile: SealedId,
        /// Hash of the username in hex, as claimed in the directory.
        username_claim: String,
        /// Hash of the email in hex, as claimed in the directory.
        email_claim: String,
        /// Its limits.
        tier: Tier,
    },
    /// The person changed what they say of themselves.
    ProfileChanged {
        /// The sealed [`Profile`].
        profile: SealedId,
    },
    /// It may act with one more key.
    KeyIssued(IssuedKey),
    /// A key may do nothing any more.
    KeyRevoked {
        /// Which.
        key_id: u64,
        /// By which key; absent from the command line.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by_key: Option<u64>,
    },
    /// It may act through one more OAuth client.
    ClientIssued(IssuedClient),
    /// An OAuth client and its tokens may do nothing any more.
    ClientRevoked {
        /// Which.
        client_id: String,
    },
    /// Its limits changed.
    TierChanged {
        /// To these.
        tier: Tier,
    },
    /// It may do nothing for now.
    Suspended {
        /// Why.
        reason: String,
    },
    /// It may act again.
    Reinstated {},
    /// A cloned voice was added.
    VoiceAdded {
        /// `fal_cloned_…`.
        voice_id: String,
        /// The sealed name and samples.
        details: SealedId,
    },
    /// A voice has other details.
    VoiceChanged {
        /// Which.
        voice_id: String,
        /// The sealed name and samples.
        details: SealedId,
    },
    /// A voice was put away.
    VoiceArchived {
        /// Which.
        voice_id: String,
    },
    /// An influencer was added, as a draft.
    InfluencerAdded {
        /// Its id.
        influencer_id: String,
        /// The sealed name, description and photos.
        details: SealedId,
        /// What stands for its handle: a fingerprint under the account's key, so that no two have one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        handle_claim: Option<String>,
    },
    /// An influencer has other details.
    InfluencerChanged {
        /// Which.
        influencer_id: String,
        /// The sealed name, description and photos.
        details: SealedId,
        /// What stands for its handle; absent where that stays.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        handle_claim: Option<String>,
    },
    /// An influencer moved on.
    InfluencerMoved {
        /// Which.
        influencer_id: String,
        /// Where it stands now.
        status: InfluencerStatus,
        /// When; absent in what was recorded before it was kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// The person is erased: their sealing key is destroyed, every key revoked.
    Erased {
        /// Who did it.
        by: String,
    },
}

impl AccountEvent {
    /// Every event type, in the order of the enum.
    pub const TYPES: [&'static str; 16] = [
        "account.registered",
        "account.profile_changed",
        "account.key_issued",
        "account.key_revoked",
        "account.client_issued",
        "account.client_revoked",
        "account.tier_changed",
        "account.suspended",
        "account.reinstated",
        "account.voice_added",
        "account.voice_changed",
        "account.voice_archived",
        "account.influencer_added",
        "account.influencer_changed",
        "account.influencer_moved",
        "account.erased",
    ];
}

impl DomainEvent for AccountEvent {
    fn event_type(&self) -> String {
        let index = match self {
            AccountEvent::Registered { .. } => 0,
            AccountEvent::ProfileChanged { .. } => 1,
            AccountEvent::KeyIssued(_) => 2,
            AccountEvent::KeyRevoked { .. } => 3,
            AccountEvent::ClientIssued(_) => 4,
            AccountEvent::ClientRevoked { .. } => 5,
            AccountEvent::TierChanged { .. } => 6,
            AccountEvent::Suspended { .. } => 7,
            AccountEvent::Reinstated {} => 8,
            AccountEvent::VoiceAdded { .. } => 9,
            AccountEvent::VoiceChanged { .. } => 10,
            AccountEvent::VoiceArchived { .. } => 11,
            AccountEvent::InfluencerAdded { .. } => 12,
            AccountEvent::InfluencerChanged { .. } => 13,
            AccountEvent::InfluencerMoved { .. } => 14,
            AccountEvent::Erased { .. } => 15,
        };
        Self::TYPES[index].to_owned()
    }

    fn event_version(&self) -> String {
        "1.0.0".to_owned()
    }
}
