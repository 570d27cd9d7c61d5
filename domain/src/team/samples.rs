//! Samples of a team's events.

use super::events::{CreatedTeam, InviteCode, Joined, Purse, TeamEvent};
use crate::event_book::{sample_credits, sample_id, sample_time};
use crate::ids::{AccountId, SealedId};

/// Every type, in the order of the enum.
pub(crate) fn samples() -> Vec<TeamEvent> {
    let (owner, account) = (AccountId(sample_id("account")), AccountId(sample_id("member")));
    let invite = |claim: &str| InviteCode { claim: claim.to_owned(), code: SealedId(sample_id(claim)) };
    let joined = |how| TeamEvent::MemberJoined { account, user_id: 43, how, at: sample_time(60) };
    vec![
        TeamEvent::Created(Box::new(CreatedTeam {
            number: 7,
            name: "My Creative Team".to_owned(),
            owner,
            user_id: 42,
            invite: invite("9f86d0"),
            at: sample_time(0),
        })),
        joined(Joined::Invited),
        joined(Joined::Added { by: owner }),
        TeamEvent::MemberLeft { account, at: sample_time(120) },
        TeamEvent::MemberRemoved { account, at: sample_time(120) },
        TeamEvent::InviteRenewed { invite: invite("60303a"), at: sample_time(180) },
        TeamEvent::Renamed { name: "Our Creative Team".to_owned(), at: sample_time(180) },
        TeamEvent::HandedOver { to: account, at: sample_time(240) },
        TeamEvent::PurseSet {
            purse: Purse { pays: true, member_limit: sample_credits(500_000_000) },
            at: sample_time(270),
        },
        TeamEvent::Archived { at: sample_time(300) },
    ]
}
