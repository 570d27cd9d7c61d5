//! Given, when, then: every command and every refusal of a creation.

use super::samples::{asset, opened};
use super::*;
use crate::event_book::sample_id;
use crate::ids::{AccountId, RunId, SealedId};
use crate::run::FailureReason;
use crate::testing::{given, said_twice_is_no_new_fact, state};

fn open() -> CreationCommand {
    CreationCommand::Open(Box::new(opened()))
}

fn complete() -> CreationCommand {
    CreationCommand::Complete { output: asset() }
}

fn reason(code: &str) -> FailureReason {
    FailureReason { code: code.into(), message: "why".into() }
}

fn fail() -> CreationCommand {
    CreationCommand::Fail { reason: reason("moderated") }
}

fn owner() -> By {
    By::Account(opened().account)
}

fn stranger() -> By {
    By::Account(AccountId(sample_id("friend")))
}

fn set_privacy(by: By, privacy: Privacy) -> CreationCommand {
    CreationCommand::SetPrivacy { by, privacy }
}

fn set_license(by: By, license: License) -> CreationCommand {
    CreationCommand::SetLicense { by, license }
}

fn delete(by: By) -> CreationCommand {
    CreationCommand::Delete { by }
}

fn hide() -> CreationCommand {
    CreationCommand::Hide { reason: "reported".into() }
}

/// What only its owner and the operator may ask.
fn edits(by: By) -> [CreationCommand; 3] {
    [set_privacy(by, Privacy::Private), set_license(by, License::ExclusiveGe1), delete(by)]
}

#[test]
fn a_creation_is_opened_with_its_run() {
    given::<Creation>([]).when(open()).then_expect_events(vec![CreationEvent::Opened(Box::new(opened()))]);
}

#[test]
fn everything_but_deletion_said_twice_is_no_new_fact() {
    said_twice_is_no_new_fact::<Creation>([], open());
    said_twice_is_no_new_fact::<Creation>([open()], complete());
    said_twice_is_no_new_fact::<Creation>([open()], fail());
    said_twice_is_no_new_fact::<Creation>([open()], CreationCommand::Cancel);
    said_twice_is_no_new_fact::<Creation>([open()], set_privacy(owner(), Privacy::Private));
    said_twice_is_no_new_fact::<Creation>([open()], set_license(owner(), License::ExclusiveGe1));
    said_twice_is_no_new_fact::<Creation>([open()], hide());
}

#[test]
fn a_number_belongs_to_one_output_of_one_run() {
    let another_run = OpenedCreation { run: RunId(sample_id("another run")), ..opened() };
    let another_output = OpenedCreation { index: 1, ..opened() };
    for other in [another_run, another_output] {
        given::<Creation>([open()])
            .when(CreationCommand::Open(Box::new(other)))
            .then_expect_error(CreationError::OtherCreation);
    }
}

#[test]
fn a_creation_that_was_never_opened_is_not_found() {
    let mut commands = vec![complete(), fail(), CreationCommand::Cancel, hide()];
    commands.extend(edits(owner()));
    commands.extend(edits(By::Operator));
    for command in commands {
        given::<Creation>([]).when(command).then_expect_error(CreationError::NotFound);
    }
}

#[test]
fn a_creation_is_completed_failed_or_cancelled_once() {
    given::<Creation>([open()]).when(complete()).then_expect_events(vec![CreationEvent::Completed { output: asset() }]);
    given::<Creation>([open()])
        .when(fail())
        .then_expect_events(vec![CreationEvent::Failed { reason: reason("moderated") }]);
    given::<Creation>([open()]).when(CreationCommand::Cancel).then_expect_events(vec![CreationEvent::Cancelled {}]);
}

#[test]
fn what_is_finished_cannot_be_finished_otherwise() {
    let other_output = Output::Text { fields: SealedId(sample_id("fields")), characters: 3 };
    let finishes = [
        complete(),
        fail(),
        CreationCommand::Cancel,
        CreationCommand::Complete { output: other_output },
        CreationCommand::Fail { reason: reason("timeout") },
    ];
    for first in &finishes {
        for second in finishes.iter().filter(|second| *second != first) {
            given::<Creation>([open(), first.clone()]).when(second.clone()).then_expect_error(CreationError::Finished);
        }
    }
}

#[test]
fn the_owner_and_the_operator_change_it() {
    for by in [owner(), By::Operator] {
        given::<Creation>([open()])
            .when(set_privacy(by, Privacy::Private))
            .then_expect_events(vec![CreationEvent::PrivacyChanged { privacy: Privacy::Private }]);
        given::<Creation>([open(), complete()])
            .when(set_license(by, License::ExclusiveGe1))
            .then_expect_events(vec![CreationEvent::LicenseChanged { license: License::ExclusiveGe1 }]);
        given::<Creation>([open(), complete()]).when(delete(by)).then_expect_events(vec![CreationEvent::Deleted {}]);
    }
}

#[test]
fn nobody_else_changes_it() {
    for command in edits(stranger()) {
        given::<Creation>([open(), complete()]).when(command).then_expect_error(CreationError::NotOwner);
    }
}

#[test]
fn what_already_is_so_is_no_change() {
    given::<Creation>([open()]).when(set_privacy(owner(), Privacy::Public)).then_expect_events(vec![]);
    given::<Creation>([open()]).when(set_license(owner(), License::OpenGo1)).then_expect_events(vec![]);
}

#[test]
fn what_was_deleted_is_nobody_s() {
    for by in [owner(), stranger(), By::Operator] {
        for command in edits(by) {
            given::<Creation>([open(), delete(owner())]).when(command).then_expect_error(CreationError::NotFound);
        }
    }
}

#[test]
fn a_run_settles_what_its_owner_deleted_or_the_operator_hid_meanwhile() {
    for before in [vec![open(), delete(owner())], vec![open(), hide()]] {
        given::<Creation>(before)
            .when(complete())
            .then_expect_events(vec![CreationEvent::Completed { output: asset() }]);
    }
}

#[test]
fn hiding_is_the_operator_s_act_and_says_why() {
    given::<Creation>([open()])
        .when(hide())
        .then_expect_events(vec![CreationEvent::Hidden { reason: "reported".into() }]);
}

#[test]
fn a_creation_shows_what_it_is_now() {
    let creation = state::<Creation>([
        open(),
        complete(),
        set_privacy(owner(), Privacy::Private),
        set_license(owner(), License::ExclusiveGe1),
        hide(),
        delete(owner()),
    ]);
    let opened = creation.opened().unwrap();
    assert_eq!((opened.privacy, opened.license), (Privacy::Private, License::ExclusiveGe1));
    assert_eq!(creation.status(), CreationStatus::Completed);
    assert_eq!(creation.output(), Some(&asset()));
    assert!(creation.is_deleted() && creation.is_hidden());
    assert_eq!(state::<Creation>([open(), fail()]).status(), CreationStatus::Failed);
    assert_eq!(state::<Creation>([open(), CreationCommand::Cancel]).status(), CreationStatus::Cancelled);
}
