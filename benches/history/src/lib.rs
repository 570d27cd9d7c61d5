//! A history of any size: accounts, runs with what they made, follows and comments, skewed as those of real
//! networks are.
//!
//! It is made by the use cases themselves, on a [`Recorder`] in place of the server's writer: events, sealed
//! texts, unique names and integer ids are what a server would have written, in fewer and larger commits. Who
//! does what follows from the seed; ids, keys and times do not.

mod cast;
mod chance;
mod core;
mod people;
mod recorder;
mod talk;
mod words;
mod works;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use sqlx::postgres::PgConnectOptions;

pub use cast::{Cast, Person};
pub use recorder::Recorder;

use chance::Chance;
use core::Stage;
use people::People;
use talk::Talk;
use words::Words;
use works::Works;

/// In how many parts the history is told: in each some follow, some make and some comment.
const PARTS: usize = 50;
/// What follows from it repeats with it.
const SEED: u64 = 0x6d69_6e74_6d61_726b;

/// How much there is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Accounts; at least [`Size::ACCOUNTS_MIN`].
    pub accounts: usize,
    /// Creations, delivered or not.
    pub creations: usize,
    /// Follows; fewer than an eighth of all pairs.
    pub follows: usize,
    /// Comments.
    pub comments: usize,
}

impl Size {
    /// The fewest accounts of which a history can be told.
    pub const ACCOUNTS_MIN: usize = 50;

    /// The size at which the read side is to be proven, divided by `parts`.
    #[must_use]
    pub fn divided_by(parts: usize) -> Self {
        let part = |whole: usize| whole / parts.max(1);
        let accounts = part(100_000).max(Self::ACCOUNTS_MIN);
        Size {
            accounts,
            creations: part(1_000_000),
            follows: part(5_000_000).min(accounts * accounts / 8),
            comments: part(2_000_000),
        }
    }

    /// The share of it that is told by the end of a part.
    fn by(whole: usize, part: usize) -> usize {
        whole * (part + 1) / PARTS
    }
}

/// Tells a history into the database of `options`, in which a server of `data_directory` must have made its
/// tables and to whose log nobody else may write meanwhile. `progress` is told what is being done.
///
/// # Errors
/// What the database or a use case refuses; what was told until then stays.
pub async fn tell(
    options: PgConnectOptions,
    data_directory: &Path,
    size: Size,
    progress: impl Fn(&str),
) -> anyhow::Result<Cast> {
    anyhow::ensure!(size.accounts >= Size::ACCOUNTS_MIN, "at least {} accounts", Size::ACCOUNTS_MIN);
    let begun = Instant::now();
    let stage = Stage::open(options, data_directory).await?;
    let mut chance = Chance::new(SEED);
    progress("accounts");
    let people = People::register(&stage, size.accounts).await?;
    let words = Arc::new(Words::new(&mut chance));
    let mut works = Works::new(&stage, Arc::clone(&words), size);
    let mut follows = people.followings(size, &mut chance);
    let mut talk = Talk::new(&people);
    for part in 0..PARTS {
        progress(&format!("part {} of {PARTS}, {} s", part + 1, begun.elapsed().as_secs()));
        follows.until(&stage, &people, Size::by(size.follows, part), &mut chance).await?;
        works.until(&stage, &people, Size::by(size.creations, part), &mut chance).await?;
        let said_by = (&people, &mut works, &*words);
        talk.until(&stage, said_by, Size::by(size.comments, part), &mut chance).await?;
        let kept = works.talked_about();
        stage.recorder.forget(|stream| match stream.aggregate.as_str() {
            "account" | "credit_wallet" => true,
            "creation" => kept.contains(&stream.id),
            _ => false,
        });
    }
    let cast = Cast::of(&people, &works, &words);
    stage.close().await?;
    Ok(cast)
}
