//! A project, command by command.

use cqrs_es::test::TestFramework;

use super::samples::samples;
use super::*;
use crate::event_book::{sample_id, sample_time};
use crate::ids::{AccountId, RunId, SealedId};

type Tests = TestFramework<Project>;

fn tests() -> Tests {
    Tests::with(())
}

fn by() -> String {
    AccountId(sample_id("account")).to_string()
}

fn deliver(account: &str, run: &str) -> ProjectCommand {
    let ProjectEvent::Opened { stages, .. } = samples().remove(0) else { panic!("the first is opened") };
    ProjectCommand::Deliver {
        account: AccountId(sample_id(account)),
        run: RunId(sample_id(run)),
        inputs: SealedId(sample_id("inputs")),
        stages,
        at: sample_time(0),
    }
}

fn approve() -> ProjectCommand {
    ProjectCommand::Approve { by: by(), at: sample_time(180) }
}

fn reject() -> ProjectCommand {
    ProjectCommand::Reject { by: by(), at: sample_time(180) }
}

fn change() -> ProjectCommand {
    ProjectCommand::RequestChanges { comment: SealedId(sample_id("comment")), by: by(), at: sample_time(60) }
}

/// The first `n` of: opened, changes requested, revised, approved.
fn history(n: usize) -> Vec<ProjectEvent> {
    samples().into_iter().take(n).collect()
}

#[test]
fn a_run_opens_it_once() {
    tests().given_no_previous_events().when(deliver("account", "run")).then_expect_events(history(1));
    tests().given(history(1)).when(deliver("account", "run")).then_expect_events(vec![]);
    tests().given(history(1)).when(deliver("other", "run")).then_expect_error(ProjectError::OtherOwner);
}

#[test]
fn changes_are_asked_for_and_another_run_revises_it() {
    tests().given(history(1)).when(change()).then_expect_events(vec![samples().remove(1)]);
    let asked_again = ProjectError::NotNow(ProjectStatus::ChangesRequested);
    tests().given(history(2)).when(change()).then_expect_error(asked_again);
    let revised = |events: Vec<ProjectEvent>| {
        let outcome = tests().given(events).when(deliver("account", "second run")).inspect_result().unwrap();
        matches!(outcome[..], [ProjectEvent::Revised { revision: 2, .. }])
    };
    assert!(revised(history(2)) && revised(history(1)));
    assert!(Project::default().status() == ProjectStatus::None);
}

#[test]
fn an_approval_moves_it_on_and_is_said_once() {
    tests().given(history(3)).when(approve()).then_expect_events(vec![samples().remove(3)]);
    tests().given(history(4)).when(approve()).then_expect_events(vec![]);
    let too_late = || ProjectError::NotNow(ProjectStatus::Approved);
    tests().given(history(4)).when(change()).then_expect_error(too_late());
    tests().given(history(4)).when(reject()).then_expect_error(too_late());
    tests().given(history(4)).when(deliver("account", "third run")).then_expect_events(vec![]);
    assert_eq!(ProjectStatus::Approved.stage_and_next(), ("production", "produce_shots"));
    let waiting = ProjectError::NotNow(ProjectStatus::ChangesRequested);
    tests().given(history(2)).when(approve()).then_expect_error(waiting);
}

#[test]
fn what_is_given_up_stays_so_and_what_is_not_there_is_not_found() {
    let given_up = || [history(1), vec![samples().remove(4)]].concat();
    tests().given(history(3)).when(reject()).then_expect_events(vec![samples().remove(4)]);
    tests().given(given_up()).when(reject()).then_expect_events(vec![]);
    tests().given(given_up()).when(approve()).then_expect_error(ProjectError::NotNow(ProjectStatus::Rejected));
    for command in [approve(), change(), reject()] {
        tests().given_no_previous_events().when(command).then_expect_error(ProjectError::NotFound);
    }
}
