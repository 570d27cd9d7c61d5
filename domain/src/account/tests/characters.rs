//! Voices and influencers.

use super::*;

#[test]
fn characters_said_twice_are_no_new_fact() {
    said_twice_is_no_new_fact::<Account>([register()], add_voice("v"));
    said_twice_is_no_new_fact::<Account>([register(), add_voice("v")], change_voice());
    said_twice_is_no_new_fact::<Account>([register()], add_influencer("i"));
    said_twice_is_no_new_fact::<Account>([register(), add_influencer("i")], change_influencer());
    said_twice_is_no_new_fact::<Account>([register(), add_influencer("i")], move_to(InfluencerStatus::Training));
}

#[test]
fn a_voice_is_added_changed_and_put_away() {
    let (voice_id, details) = ("v".to_owned(), sealed("details"));
    given::<Account>([register()])
        .when(add_voice("v"))
        .then_expect_events(vec![AccountEvent::VoiceAdded { voice_id: voice_id.clone(), details }]);
    let details = sealed("other details");
    given::<Account>([register(), add_voice("v")])
        .when(change_voice())
        .then_expect_events(vec![AccountEvent::VoiceChanged { voice_id: voice_id.clone(), details }]);
    given::<Account>([register(), add_voice("v")])
        .when(archive_voice())
        .then_expect_events(vec![AccountEvent::VoiceArchived { voice_id }]);
    let account = state::<Account>([register(), add_voice("v"), change_voice()]);
    assert_eq!(account.voices().map(|(id, voice)| (id, voice.details)).collect::<Vec<_>>(), [("v", details)]);
}

#[test]
fn a_voice_that_is_not_there_is_neither_changed_nor_put_away() {
    for before in [vec![register()], vec![register(), add_voice("v"), archive_voice()]] {
        for command in [change_voice(), archive_voice()] {
            given::<Account>(before.clone()).when(command).then_expect_error(AccountError::NoSuchVoice);
        }
    }
}

#[test]
fn an_id_belongs_to_one_voice_or_influencer() {
    let voice = AccountCommand::AddVoice { voice_id: "v".into(), details: sealed("other details") };
    given::<Account>([register(), add_voice("v")]).when(voice).then_expect_error(AccountError::IdTaken);
    let influencer = AccountCommand::AddInfluencer {
        influencer_id: "i".into(),
        details: sealed("other details"),
        handle_claim: None,
    };
    given::<Account>([register(), add_influencer("i")]).when(influencer).then_expect_error(AccountError::IdTaken);
}

#[test]
fn voices_and_influencers_are_limited() {
    let max = Account::CHARACTERS_MAX;
    let full = |add: fn(&str) -> AccountCommand| -> Vec<AccountCommand> {
        [register()].into_iter().chain((0..max).map(|n| add(&n.to_string()))).collect()
    };
    given::<Account>(full(add_voice)).when(add_voice("v")).then_expect_error(AccountError::TooMany { max });
    given::<Account>(full(add_influencer)).when(add_influencer("i")).then_expect_error(AccountError::TooMany { max });
}

#[test]
fn an_influencer_is_added_as_a_draft_and_changed() {
    let (influencer_id, details) = ("i".to_owned(), sealed("details"));
    given::<Account>([register()]).when(add_influencer("i")).then_expect_events(vec![AccountEvent::InfluencerAdded {
        influencer_id: influencer_id.clone(),
        details,
        handle_claim: None,
    }]);
    let details = sealed("other details");
    given::<Account>([register(), add_influencer("i")])
        .when(change_influencer())
        .then_expect_events(vec![AccountEvent::InfluencerChanged { influencer_id, details, handle_claim: None }]);
    let account = state::<Account>([register(), add_influencer("i"), change_influencer()]);
    let (_, influencer) = account.influencers().next().unwrap();
    assert_eq!((influencer.details, influencer.status), (details, InfluencerStatus::Draft));
}

#[test]
fn an_influencer_that_is_not_there_is_neither_changed_nor_moved() {
    for command in [change_influencer(), move_to(InfluencerStatus::Training)] {
        given::<Account>([register()]).when(command).then_expect_error(AccountError::NoSuchInfluencer);
    }
}

#[test]
fn an_influencer_moves_only_the_ways_there_are() {
    use InfluencerStatus::{Archived, Draft, Ready, Training};
    // The ways by which each status is reached from a draft.
    let reach = |status| -> Vec<InfluencerStatus> {
        match status {
            Draft => vec![],
            Training => vec![Training],
            Ready => vec![Training, Ready],
            Archived => vec![Archived],
        }
    };
    let ways = [
        (Draft, Training),
        (Draft, Archived),
        (Training, Ready),
        (Training, Draft),
        (Training, Archived),
        (Ready, Training),
        (Ready, Archived),
    ];
    for from in [Draft, Training, Ready, Archived] {
        let before: Vec<_> =
            [register(), add_influencer("i")].into_iter().chain(reach(from).into_iter().map(move_to)).collect();
        for status in [Draft, Training, Ready, Archived] {
            let test = given::<Account>(before.clone()).when(move_to(status));
            if from == status {
                test.then_expect_events(vec![]);
            } else if ways.contains(&(from, status)) {
                test.then_expect_events(vec![AccountEvent::InfluencerMoved {
                    influencer_id: "i".into(),
                    status,
                    at: Some(crate::event_book::sample_time(3)),
                }]);
            } else {
                test.then_expect_error(AccountError::BadMove);
            }
        }
    }
}

#[test]
fn a_handle_belongs_to_one_influencer_until_it_is_put_away() {
    let claimed = |id: &str, details: &str, claim: &str| AccountCommand::AddInfluencer {
        influencer_id: id.into(),
        details: sealed(details),
        handle_claim: Some(claim.into()),
    };
    let before = [register(), claimed("i", "details", "sarah")];
    given::<Account>(before.clone()).when(claimed("k", "more", "sarah")).then_expect_error(AccountError::HandleTaken);
    let other = claimed("k", "more", "tom");
    let renamed = |claim: &str| AccountCommand::ChangeInfluencer {
        influencer_id: "k".into(),
        details: sealed("renamed"),
        handle_claim: Some(claim.into()),
    };
    let both = [before.to_vec(), vec![other]].concat();
    given::<Account>(both.clone()).when(renamed("sarah")).then_expect_error(AccountError::HandleTaken);
    let own = state::<Account>([both.clone(), vec![renamed("tom")]].concat());
    assert_eq!(own.influencer("k").unwrap().handle_claim.as_deref(), Some("tom"), "its own is no other's");
    let free = state::<Account>([both, vec![move_to(InfluencerStatus::Archived), renamed("sarah")]].concat());
    assert_eq!(free.influencer("k").unwrap().handle_claim.as_deref(), Some("sarah"));
}

#[test]
fn when_an_influencer_moved_is_kept() {
    let account = state::<Account>([register(), add_influencer("i"), move_to(InfluencerStatus::Training)]);
    assert_eq!(account.influencer("i").unwrap().moved_at, Some(crate::event_book::sample_time(3)));
}
