//! Accounts, and who follows whom.

use std::collections::HashSet;

use futures::{StreamExt as _, TryStreamExt as _};
use mintmark_domain::Credits;
use mintmark_domain::account::{ActsWith, Scopes, Tier};
use mintmark_domain::ids::AccountId;
use mintmark_domain::run::Surface;
use mintmark_domain::usecases::{Caller, Registration};

use crate::Size;
use crate::cast::Person;
use crate::chance::{Chance, Skew};
use crate::core::{AT_ONCE, Stage};

/// What each account has to spend.
const CREDITS: u32 = 1_000_000_000;
/// How many ordinary persons are named.
const ORDINARY: usize = 20;
/// How skewed is whom people follow.
const KNOWN: f64 = 0.9;
/// How skewed is how many people follow.
const CURIOUS: f64 = 0.4;

struct Member {
    account: AccountId,
    user_id: u64,
    key_id: u64,
    person: Person,
}

/// Everybody, the best known and most productive first.
pub(crate) struct People(Vec<Member>);

/// Those who have a part of their own.
pub(crate) struct Named {
    pub giant: Person,
    pub follows_many: Person,
    pub follows_quiet: Person,
    pub follows_few: Person,
    pub ordinary: Vec<Person>,
}

impl People {
    pub async fn register(stage: &Stage, count: usize) -> anyhow::Result<Self> {
        let register = async |number: usize| {
            let username = format!("person_{number}");
            let registration = Registration {
                email: format!("{username}@example.com"),
                username: username.clone(),
                tier: Tier::Unlimited,
                credits: Credits::whole(CREDITS),
                scopes: Scopes::Full,
            };
            let made = stage.core.register(registration).await?;
            let person = Person { user_id: made.user_id, username, key: made.key.secret };
            anyhow::Ok(Member { account: made.account, user_id: made.user_id, key_id: made.key.key_id, person })
        };
        let members = futures::stream::iter(0..count).map(register).buffered(AT_ONCE).try_collect().await?;
        Ok(People(members))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Somebody, about to act.
    pub fn caller(&self, place: usize) -> Caller {
        let member = &self.0[place];
        Caller {
            account: member.account,
            user_id: member.user_id,
            acts_with: ActsWith::Key(member.key_id),
            scopes: Scopes::Full,
            tier: Tier::Unlimited,
            surface: Surface::Generor,
            request_id: format!("history-{place}"),
            traceparent: String::new(),
        }
    }

    fn person(&self, place: usize) -> Person {
        self.0[place].person.clone()
    }

    pub fn named(&self) -> Named {
        let last = self.len() - 1;
        let ordinary = (0..ORDINARY).map(|n| self.person(last / 4 + n * last / (4 * ORDINARY))).collect();
        Named {
            giant: self.person(0),
            follows_many: self.person(last),
            follows_quiet: self.person(last - 1),
            follows_few: self.person(last - 2),
            ordinary,
        }
    }

    /// Who is to follow whom.
    pub fn followings(&self, size: Size, chance: &mut Chance) -> Followings {
        let (last, tenth) = (self.len() - 1, self.len() / 10);
        let known = Skew::new(self.len(), KNOWN);
        let mut pairs: Vec<(usize, usize)> = (1..self.len()).map(|follower| (follower, 0)).collect();
        pairs.extend((self.len() - tenth..self.len()).map(|followee| (last - 1, followee)));
        pairs.extend((1..=5).map(|n| (last - 2, last - 2 - n)));
        let mut taken = HashSet::with_capacity(size.follows);
        let mut chosen = Vec::with_capacity(pairs.len() + tenth);
        let mut take = |pair: (usize, usize)| {
            if pair.0 != pair.1 && taken.insert(pair) {
                chosen.push(pair);
            }
            chosen.len()
        };
        let given = pairs.into_iter().map(&mut take).last().unwrap_or_default();
        while take((last, known.draw(chance))) < given + tenth {}
        // In any order: who is known is known to early and late followers.
        for place in (1..chosen.len()).rev() {
            chosen.swap(place, chance.below(place + 1));
        }
        Followings { chosen, taken, done: 0, known, curious: Skew::new(self.len(), CURIOUS) }
    }
}

/// Who follows whom.
pub(crate) struct Followings {
    /// Those who have a part of their own.
    chosen: Vec<(usize, usize)>,
    taken: HashSet<(usize, usize)>,
    done: usize,
    known: Skew,
    curious: Skew,
}

impl Followings {
    /// Lets people follow each other until there are so many follows.
    pub async fn until(
        &mut self,
        stage: &Stage,
        people: &People,
        target: usize,
        chance: &mut Chance,
    ) -> anyhow::Result<()> {
        while self.done < target {
            let (follower, followee) = self.next(people.len(), chance);
            let followee = people.0[followee].account;
            stage.core.set_following(&people.caller(follower), followee, true).await?;
            self.done += 1;
        }
        Ok(())
    }

    fn next(&mut self, people: usize, chance: &mut Chance) -> (usize, usize) {
        if let Some(pair) = self.chosen.pop() {
            return pair;
        }
        loop {
            // Who follows much is not who is followed much.
            let pair = (people - 1 - self.curious.draw(chance), self.known.draw(chance));
            // Those last three follow whom they are said to.
            if pair.0 != pair.1 && pair.0 < people - 3 && self.taken.insert(pair) {
                return pair;
            }
        }
    }
}
