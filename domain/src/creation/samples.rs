//! One sample or more of every event of a creation: with all that can be said, and with the least.

use super::events::{CreationEvent, License, OpenedCreation, Output, Privacy};
use crate::catalog::MediaType;
use crate::event_book::{sample_id, sample_time};
use crate::ids::{AccountId, RunId, SealedId, TeamId};
use crate::run::FailureReason;

/// A picture by a generator, made under a team.
pub(crate) fn opened() -> OpenedCreation {
    OpenedCreation {
        number: 700,
        account: AccountId(sample_id("account")),
        user_id: 12,
        run: RunId(sample_id("run")),
        index: 0,
        team: Some(TeamId(sample_id("team"))),
        generator: Some("portrait".into()),
        model: "nano-banana-2".into(),
        media_type: MediaType::Img,
        inputs: SealedId(sample_id("inputs")),
        privacy: Privacy::Public,
        license: License::OpenGo1,
        at: sample_time(0),
    }
}

/// A clip in our storage.
pub(crate) fn asset() -> Output {
    Output::Asset {
        key: "users/12/img/image-700.mp4".into(),
        content_type: "video/mp4".into(),
        size_bytes: 48_211,
        width: Some(1920),
        height: Some(1080),
        duration_ms: Some(5_000),
        details: None,
    }
}

/// Every type, in the order of the enum.
pub(crate) fn samples() -> Vec<CreationEvent> {
    let least = OpenedCreation { team: None, generator: None, ..opened() };
    let download = Output::Asset {
        key: "users/12/img/image-700.svg".into(),
        content_type: "image/svg+xml".into(),
        size_bytes: 811,
        width: None,
        height: None,
        duration_ms: None,
        details: None,
    };
    vec![
        CreationEvent::Opened(Box::new(opened())),
        CreationEvent::Opened(Box::new(least)),
        CreationEvent::Completed { output: asset() },
        CreationEvent::Completed { output: download },
        CreationEvent::Completed { output: Output::Text { fields: SealedId(sample_id("fields")), characters: 311 } },
        CreationEvent::Completed { output: asset().with_details(SealedId(sample_id("details"))) },
        CreationEvent::Failed {
            reason: FailureReason { code: "moderated".into(), message: "Moderation withheld the output.".into() },
        },
        CreationEvent::Cancelled {},
        CreationEvent::PrivacyChanged { privacy: Privacy::Private },
        CreationEvent::PrivacyChanged { privacy: Privacy::Public },
        CreationEvent::LicenseChanged { license: License::ExclusiveGe1 },
        CreationEvent::LicenseChanged { license: License::OpenGo1 },
        CreationEvent::Deleted {},
        CreationEvent::Hidden { reason: "reported".into() },
    ]
}
