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
    let influencer = AccountCommand::AddInfluencer { influencer_id: "i".into(), details: sealed("other details") };
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
    given::<Account>([register()])
        .when(add_influencer("i"))
        .then_expect_events(vec![AccountEvent::InfluencerAdded { influencer_id: influencer_id.clone(), details }]);
    let details = sealed("other details");
    given::<Account>([register(), add_influencer("i")])
        .when(change_influencer())
        .then_expect_events(vec![AccountEvent::InfluencerChanged { influencer_id, details }]);
    let account = state::<Account>([register(), add_influencer("i"), change_influencer()]);
    let (_, influencer) = account.influencers().next().unwrap();
    assert_eq!(*influencer, Influencer { details, status: InfluencerStatus::Draft });
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
                test.then_expect_events(vec![AccountEvent::InfluencerMoved { influencer_id: "i".into(), status }]);
            } else {
                test.then_expect_error(AccountError::BadMove);
            }
        }
    }
}
