//! Search as a stranger sees it, whatever became of creations and whenever it was applied.

use mintmark_domain::account::{Account, AccountCommand};
use mintmark_domain::creation::{By, Creation, CreationCommand, Privacy};
use mintmark_domain::ids::CreationId;
use mintmark_domain::wallet::LotKind;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::history::Asked;
use super::search::{agrees, asked, find, history, make, set_privacy, words};
use super::support::Bench;

/// What is done to creations, each of which says a word of its own and one that all say.
#[derive(Clone, Debug)]
enum Act {
    Make { private: bool, by_ben: bool },
    SetPrivacy { which: usize, private: bool },
    Delete(usize),
    Hide(usize),
    EraseBen,
    Apply { batch: usize },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (any::<bool>(), any::<bool>()).prop_map(|(private, by_ben)| Act::Make { private, by_ben }),
        4 => (0..64_usize, any::<bool>()).prop_map(|(which, private)| Act::SetPrivacy { which, private }),
        1 => (0..64_usize).prop_map(Act::Delete),
        1 => (0..64_usize).prop_map(Act::Hide),
        1 => Just(Act::EraseBen),
        2 => (1..40_usize).prop_map(|batch| Act::Apply { batch }),
    ];
    prop::collection::vec(act, 8..32)
}

/// A word that no other is near to.
fn own_word(n: usize) -> String {
    let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap());
    format!("w{0}{0}{0}{0}{1}{1}{1}{1}", letter(n / 26), letter(n))
}

struct Made {
    id: CreationId,
    by_ben: bool,
    word: String,
}

async fn nothing_leaks(acts: &[Act]) {
    let (mut history, ada) = history().await;
    let ben = history.account("ben").await;
    history.grant(ben, 1_000, LotKind::Paid, None);
    let bench = Bench::new(&history).await;
    let (mut made, mut erased): (Vec<Made>, bool) = (Vec::new(), false);
    for act in acts {
        let pick = |n: usize| made.get(n % made.len().max(1)).map(|made: &Made| (made.id, made.by_ben));
        match act {
            Act::Make { by_ben, .. } if *by_ben && erased => {}
            Act::Make { private, by_ben } => {
                let privacy = if *private { Privacy::Private } else { Privacy::Public };
                let word = own_word(made.len());
                let asked = Asked { privacy, ..asked(&format!("{word} everywhere")) };
                let id = make(&mut history, if *by_ben { ben } else { ada }, asked).await[0];
                made.push(Made { id, by_ben: *by_ben, word });
            }
            Act::SetPrivacy { which, private } => {
                let Some((id, by_ben)) = pick(*which) else { continue };
                let privacy = if *private { Privacy::Private } else { Privacy::Public };
                set_privacy(&mut history, id, if by_ben { ben } else { ada }, privacy).await;
            }
            Act::Delete(which) => {
                let Some((id, by_ben)) = pick(*which) else { continue };
                let by = By::Account(if by_ben { ben } else { ada });
                history.act::<Creation>(id.0, CreationCommand::Delete { by });
            }
            Act::Hide(which) => {
                let Some((id, _)) = pick(*which) else { continue };
                history.act::<Creation>(id.0, CreationCommand::Hide { reason: "r".into() });
            }
            Act::EraseBen => {
                history.vault.erase(ben);
                history.act::<Account>(ben.0, AccountCommand::Erase { by: "operator".into() });
                erased = true;
            }
            Act::Apply { batch } => bench.catch_up(*batch).await,
        }
        history.commit().await;
    }
    bench.catch_up(7).await;
    let in_sight = |made: &&Made| history.state::<Creation>(made.id.0).is_public() && !(made.by_ben && erased);
    let seen: Vec<&Made> = made.iter().filter(in_sight).collect();
    for made in &made {
        let expected: Vec<CreationId> = seen.iter().filter(|seen| seen.id == made.id).map(|seen| seen.id).collect();
        assert_eq!(find(&bench, &made.word).await, expected);
        assert_eq!(find(&bench, &made.word[..7]).await, expected, "its beginning");
        assert_eq!(find(&bench, &format!("{}q ", made.word)).await, expected, "misspelt");
    }
    let mut all: Vec<CreationId> = seen.iter().map(|seen| seen.id).collect();
    let mut everywhere = find(&bench, "everywhere").await;
    all.sort_unstable();
    everywhere.sort_unstable();
    assert_eq!(everywhere, all);
    let mut known: Vec<String> = seen.iter().map(|seen| seen.word.clone()).collect();
    known.extend((!seen.is_empty()).then(|| "everywhere".to_owned()));
    known.sort_unstable();
    assert_eq!(words(&bench).await, known);
    agrees(&bench, &history).await;
    bench.db.close().await;
}

#[test]
fn a_stranger_finds_exactly_what_is_public() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 16, failure_persistence: None, ..Config::default() });
    runner
        .run(&acts(), |acts| {
            runtime.block_on(nothing_leaks(&acts));
            Ok(())
        })
        .unwrap();
}
