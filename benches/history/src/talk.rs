//! What is said of creations.

use std::collections::HashMap;

use futures::{StreamExt as _, TryStreamExt as _};
use mintmark_domain::usecases::{Caller, NewComment};

use crate::chance::{Chance, Skew};
use crate::core::{AT_ONCE, Stage};
use crate::people::People;
use crate::words::Words;
use crate::works::{EVERGREEN, NEWEST, Works};

/// How many comments are drawn at once.
const CHUNK: usize = 512;
/// How many of a thousand comments are on what is talked about for ever.
const ON_EVERGREENS: u32 = 150;
/// How many of a thousand answer another.
const ANSWERS: u32 = 250;
/// How deep answers go.
const DEPTH_MAX: u8 = 8;
/// How skewed is who says much.
const TALKATIVE: f64 = 0.6;
/// How skewed is what is talked about.
const TALKED_ABOUT: f64 = 0.9;

/// What is said.
pub(crate) struct Talk {
    talkative: Skew,
    evergreen: Skew,
    newest: Skew,
    done: usize,
}

impl Talk {
    pub fn new(people: &People) -> Self {
        Talk {
            talkative: Skew::new(people.len(), TALKATIVE),
            evergreen: Skew::new(EVERGREEN, 1.0),
            newest: Skew::new(NEWEST, TALKED_ABOUT),
            done: 0,
        }
    }

    /// Lets people talk until there are so many comments.
    pub async fn until(
        &mut self,
        stage: &Stage,
        (people, works, words): (&People, &mut Works, &Words),
        target: usize,
        chance: &mut Chance,
    ) -> anyhow::Result<()> {
        // The last comment on a creation, which the next may answer, and how deep it lies.
        let mut last: HashMap<u64, (u64, u8)> = HashMap::new();
        while self.done < target && !works.evergreen.is_empty() {
            let many = CHUNK.min(target - self.done);
            let said: Vec<(Caller, NewComment)> =
                (0..many).map(|_| self.next((people, works, words), &last, chance)).collect();
            let posting = async |(caller, new): (Caller, NewComment)| {
                let creation = new.creation;
                let (posted, _) = stage.core.comment(&caller, new).await?;
                anyhow::Ok((creation, posted.number, posted.depth))
            };
            let posted: Vec<(u64, u64, u8)> =
                futures::stream::iter(said).map(posting).buffered(AT_ONCE).try_collect().await?;
            for (creation, number, depth) in posted {
                last.insert(creation, (number, depth));
                *works.said.entry(creation).or_default() += 1;
            }
            self.done += many;
        }
        Ok(())
    }

    fn next(
        &self,
        (people, works, words): (&People, &Works, &Words),
        last: &HashMap<u64, (u64, u8)>,
        chance: &mut Chance,
    ) -> (Caller, NewComment) {
        let on_evergreen = works.newest.is_empty() || chance.in_thousand(ON_EVERGREENS);
        let creation = match on_evergreen {
            true => works.evergreen[self.evergreen.draw(chance) % works.evergreen.len()].number,
            false => works.newest[works.newest.len() - 1 - self.newest.draw(chance) % works.newest.len()].number,
        };
        let answered = last.get(&creation).filter(|(_, depth)| *depth < DEPTH_MAX && chance.in_thousand(ANSWERS));
        let text = words.text(3 + chance.below(15), chance);
        let caller = people.caller(self.talkative.draw(chance));
        (caller, NewComment { creation, text, parent: answered.map(|(number, _)| *number) })
    }
}
