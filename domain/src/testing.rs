//! What the tests of the aggregates share: given commands, when a command, then events or a refusal.

use std::fmt::Debug;

use cqrs_es::test::{AggregateTestExecutor, TestFramework};

use crate::es::Aggregate;
use crate::{Credits, Timestamp};

/// An amount of credits.
pub(crate) fn c(amount: &str) -> Credits {
    amount.parse().unwrap()
}

/// A moment, so many seconds into the tests' day.
pub(crate) fn at(seconds: i64) -> Timestamp {
    chrono::DateTime::from_timestamp(1_795_000_000 + seconds, 0).unwrap()
}

/// The events that commands lead to; none of them may be refused.
pub(crate) fn history<A: Aggregate>(commands: impl IntoIterator<Item = A::Command>) -> Vec<A::Event>
where
    A::Command: Clone + Debug,
{
    let mut state = A::default();
    let mut events = Vec::new();
    for command in commands {
        let decided = state.decide(command.clone()).unwrap_or_else(|refusal| panic!("{command:?}: {refusal}"));
        for event in &decided {
            cqrs_es::Aggregate::apply(&mut state, event.clone());
        }
        events.extend(decided);
    }
    events
}

/// The state that commands lead to.
pub(crate) fn state<A: Aggregate>(commands: impl IntoIterator<Item = A::Command>) -> A
where
    A::Command: Clone + Debug,
{
    let mut state = A::default();
    for event in history::<A>(commands) {
        cqrs_es::Aggregate::apply(&mut state, event);
    }
    state
}

/// A test that starts where commands lead to.
pub(crate) fn given<A: Aggregate>(commands: impl IntoIterator<Item = A::Command>) -> AggregateTestExecutor<A>
where
    A::Command: Clone + Debug,
{
    TestFramework::with(()).given(history::<A>(commands))
}

/// A command that is a new fact the first time is none the second time.
pub(crate) fn said_twice_is_no_new_fact<A: Aggregate>(before: impl IntoIterator<Item = A::Command>, command: A::Command)
where
    A::Command: Clone + Debug,
{
    let mut commands: Vec<_> = before.into_iter().collect();
    let untouched = history::<A>(commands.clone()).len();
    commands.push(command.clone());
    assert!(history::<A>(commands.clone()).len() > untouched, "{command:?} is no fact at all");
    given::<A>(commands).when(command).then_expect_events(vec![]);
}
