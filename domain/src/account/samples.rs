//! One sample or more of every event of an account: with all that can be said, and with the least.

use super::events::{AccountEvent, InfluencerStatus, IssuedClient, IssuedKey, Tier};
use super::scope::{Scope, Scopes};
use crate::event_book::{sample_id, sample_time};
use crate::ids::SealedId;

fn sealed(name: &str) -> SealedId {
    SealedId(sample_id(name))
}

/// Every type, in the order of the enum.
pub(crate) fn samples() -> Vec<AccountEvent> {
    [identity(), keys(), characters()].concat()
}

fn identity() -> Vec<AccountEvent> {
    let mut events = vec![
        AccountEvent::Registered {
            user_id: 12,
            profile: sealed("profile"),
            username_claim: "a1".repeat(32),
            email_claim: "b2".repeat(32),
            tier: Tier::Free,
        },
        AccountEvent::ProfileChanged { profile: sealed("profile 2") },
    ];
    events.extend(Tier::ALL.into_iter().map(|tier| AccountEvent::TierChanged { tier }));
    events.push(AccountEvent::Suspended { reason: "chargeback".into() });
    events.push(AccountEvent::Reinstated {});
    events.push(AccountEvent::Erased { by: "operator".into() });
    events
}

fn keys() -> Vec<AccountEvent> {
    let key = IssuedKey {
        key_id: 41,
        name: "ci".into(),
        prefix: "gnr_live_a1b2c3d4".into(),
        hash: "c3".repeat(32),
        scopes: Scopes::Only(Scope::ALL.to_vec()),
        made_with: Some(40),
        made_with_client: None,
    };
    let client = IssuedClient {
        client_id: "gfo_oauth_1".into(),
        name: "app".into(),
        secret_hash: "d4".repeat(32),
        scopes: Scopes::only([Scope::RunsRead]),
        made_with: Some(40),
        made_with_client: None,
    };
    let by_client = Some("gfo_oauth_0".to_owned());
    let revoked = |by_key| AccountEvent::KeyRevoked { key_id: 41, by_key };
    vec![
        AccountEvent::KeyIssued(key.clone()),
        AccountEvent::KeyIssued(IssuedKey { scopes: Scopes::Full, made_with: None, ..key.clone() }),
        AccountEvent::KeyIssued(IssuedKey { made_with: None, made_with_client: by_client.clone(), ..key }),
        revoked(Some(40)),
        revoked(None),
        AccountEvent::ClientIssued(client.clone()),
        AccountEvent::ClientIssued(IssuedClient { scopes: Scopes::Full, made_with: None, ..client.clone() }),
        AccountEvent::ClientIssued(IssuedClient { made_with: None, made_with_client: by_client, ..client }),
        AccountEvent::ClientRevoked { client_id: "gfo_oauth_1".into() },
    ]
}

fn characters() -> Vec<AccountEvent> {
    let (voice_id, influencer_id) = (|| "fal_cloned_1".to_owned(), || "inf_1".to_owned());
    let mut events = vec![
        AccountEvent::VoiceAdded { voice_id: voice_id(), details: sealed("voice") },
        AccountEvent::VoiceChanged { voice_id: voice_id(), details: sealed("voice 2") },
        AccountEvent::VoiceArchived { voice_id: voice_id() },
        AccountEvent::InfluencerAdded {
            influencer_id: influencer_id(),
            details: sealed("influencer"),
            handle_claim: None,
        },
        AccountEvent::InfluencerAdded {
            influencer_id: influencer_id(),
            details: sealed("influencer"),
            handle_claim: Some("e5".repeat(32)),
        },
        AccountEvent::InfluencerChanged {
            influencer_id: influencer_id(),
            details: sealed("influencer 2"),
            handle_claim: None,
        },
        AccountEvent::InfluencerChanged {
            influencer_id: influencer_id(),
            details: sealed("influencer 2"),
            handle_claim: Some("f6".repeat(32)),
        },
    ];
    let statuses =
        [InfluencerStatus::Draft, InfluencerStatus::Training, InfluencerStatus::Ready, InfluencerStatus::Archived];
    events.extend(statuses.into_iter().map(|status| AccountEvent::InfluencerMoved {
        influencer_id: influencer_id(),
        status,
        at: None,
    }));
    events.push(AccountEvent::InfluencerMoved {
        influencer_id: influencer_id(),
        status: InfluencerStatus::Training,
        at: Some(sample_time(5)),
    });
    events
}
