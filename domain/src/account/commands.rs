//! What can be asked of an account.

use super::events::{InfluencerStatus, IssuedClient, IssuedKey, Tier};
use super::grants::ActsWith;
use super::scope::Scope;
use crate::Timestamp;
use crate::ids::SealedId;

/// A command to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountCommand {
    /// Make it. Username and email were claimed in the directory before.
    Register {
        /// Its public integer id.
        user_id: u64,
        /// The sealed profile.
        profile: SealedId,
        /// Hash of the username in hex.
        username_claim: String,
        /// Hash of the email in hex.
        email_claim: String,
        /// Its limits.
        tier: Tier,
    },
    /// Change the profile.
    ChangeProfile {
        /// The sealed profile.
        profile: SealedId,
    },
    /// Issue a key.
    IssueKey {
        /// The key.
        key: IssuedKey,
        /// With what it is made: it is never wider than that.
        by: ActsWith,
    },
    /// Revoke a key.
    RevokeKey {
        /// Which.
        key_id: u64,
        /// With what.
        by: ActsWith,
    },
    /// Issue an OAuth client.
    IssueClient {
        /// The client.
        client: IssuedClient,
        /// With what it is made: it is never wider than that.
        by: ActsWith,
    },
    /// Revoke an OAuth client.
    RevokeClient {
        /// Which.
        client_id: String,
    },
    /// Change its limits.
    ChangeTier {
        /// To these.
        tier: Tier,
    },
    /// Let it do nothing for now.
    Suspend {
        /// Why.
        reason: String,
    },
    /// Let it act again.
    Reinstate,
    /// Make sure that it may act so for this. Yields no event; refuses if it may not.
    Authorize {
        /// With what it acts.
        by: ActsWith,
        /// For what.
        scope: Scope,
    },
    /// Add a voice.
    AddVoice {
        /// Its id.
        voice_id: String,
        /// Sealed details.
        details: SealedId,
    },
    /// Give a voice other details.
    ChangeVoice {
        /// Its id.
        voice_id: String,
        /// Sealed details.
        details: SealedId,
    },
    /// Put a voice away.
    ArchiveVoice {
        /// Its id.
        voice_id: String,
    },
    /// Add an influencer.
    AddInfluencer {
        /// Its id.
        influencer_id: String,
        /// Sealed details.
        details: SealedId,
        /// What stands for its handle.
        handle_claim: Option<String>,
    },
    /// Give an influencer other details.
    ChangeInfluencer {
        /// Its id.
        influencer_id: String,
        /// Sealed details.
        details: SealedId,
        /// What stands for its handle; `None` where that stays.
        handle_claim: Option<String>,
    },
    /// Move an influencer on.
    MoveInfluencer {
        /// Its id.
        influencer_id: String,
        /// Where to.
        status: InfluencerStatus,
        /// When.
        at: Timestamp,
    },
    /// Erase the person.
    Erase {
        /// Who does it.
        by: String,
    },
}
