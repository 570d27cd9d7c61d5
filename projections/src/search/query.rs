//! A search: what is written exactly before what may have been meant, the best before the rest.

use std::collections::HashMap;

use mintmark_domain::ids::CreationId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::lookup::Known;
use super::matches::{Match, Sought};
use super::terms::{Terms, quoted};
use super::texts::generator_word;
use crate::error::QueryError;
use crate::generation::Creation;
use crate::positions::Positions;
use crate::projection::ProjectionName;
use crate::reads::{Order, PAGE_ROWS_MAX, Page, Paging, ReadModels};

/// How many creations a search finds at most; where there are more, it says so.
const FOUND_MAX: usize = 1_000;
/// Of more than [`FOUND_MAX`] texts that hold the one word of a query, so many of the newest are ranked
/// among themselves, then the next: how often they say it is all that tells them apart.
const RANKED_TOGETHER: usize = 100;

/// Begins what a search reads, by the indexes that are meant for it. The planner knows nothing of the words
/// that it is asked for, and would rather read whole tables, on every core. (Each statement sees what is
/// there at its time: tables that a rebuild puts in place meanwhile would be empty in an older snapshot.)
const BY_INDEXES: &str =
    "BEGIN READ ONLY; SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan;
    SET LOCAL max_parallel_workers_per_gather = 0";

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SearchOrder {
    /// What fits best.
    #[default]
    Relevance,
    /// By when it was asked for.
    Time(Order),
}

/// A search among what everybody may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// What is asked for.
    pub terms: Terms,
    /// Only what was made with this generator.
    pub generator: Option<String>,
    /// What comes first.
    pub order: SearchOrder,
}

/// A part of what a search finds.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Each with its place, from 0.
    pub items: Vec<(usize, Creation)>,
    /// How many there are, 1,000 at most.
    pub total: usize,
    /// Whether there are more than `total`.
    pub total_capped: bool,
    /// To be said when asking for the next part: what came into sight later is left out.
    pub as_of: Positions,
}

impl ReadModels {
    /// A numbered page of what a search finds. Its order is the search's.
    ///
    /// What went out of sight since the first page is in no later one, and what follows moves up.
    pub async fn creation_search(&self, search: &Search, paging: &Paging) -> Result<Page<Creation>, QueryError> {
        let from = usize::try_from(paging.offset()).unwrap_or(usize::MAX);
        let found = self.creations_found(search, paging.pinned(), from, paging.per_page).await?;
        Ok(Page {
            items: found.items.into_iter().map(|(_, creation)| creation).collect(),
            total: found.total as u64,
            total_capped: found.total_capped,
            as_of: found.as_of.into(),
        })
    }

    /// What a search finds, from a place on (the first is 0), `limit` at most. What can no longer be seen,
    /// though it is still found, is left out.
    pub async fn creations_found(
        &self,
        search: &Search,
        said: Option<&Positions>,
        from: usize,
        limit: u32,
    ) -> Result<Found, QueryError> {
        let as_of = match said {
            Some(said) => said.clone(),
            // Words are found in one read model and creations in another: as far as both are applied.
            None => self.passed(&[ProjectionName::Search, ProjectionName::Generation]).await?,
        };
        let end = from.saturating_add(limit.clamp(1, PAGE_ROWS_MAX) as usize).min(FOUND_MAX);
        let (matches, total) = if search.terms.is_empty() {
            (Vec::new(), 0)
        } else {
            let mut reading = self.pool.begin_with(BY_INDEXES).await?;
            let known = Known::of(&mut reading, &search.terms, search.generator.as_deref()).await?;
            let hunt = Hunt { search, known, as_of: &as_of, is_first: said.is_none(), end };
            hunt.run(&mut reading).await?
        };
        let shown = matches.get(from..end.min(matches.len())).unwrap_or_default();
        let items = self.in_sight(from, shown).await?;
        Ok(Found { items, total: total.min(FOUND_MAX), total_capped: total > FOUND_MAX, as_of })
    }

    /// Matches as creations, as far as everybody may see them now.
    async fn in_sight(&self, from: usize, shown: &[Match]) -> Result<Vec<(usize, Creation)>, QueryError> {
        let ids: Vec<CreationId> = shown.iter().map(|found| CreationId(found.creation_id)).collect();
        let creations = self.listed_creations(&ids).await?.into_iter();
        let mut creations: HashMap<Uuid, Creation> = creations.map(|creation| (creation.id.0, creation)).collect();
        let places = shown.iter().enumerate();
        Ok(places.filter_map(|(n, found)| Some((from + n, creations.remove(&found.creation_id)?))).collect())
    }
}

/// A search under way.
struct Hunt<'a> {
    search: &'a Search,
    known: Known,
    as_of: &'a Positions,
    /// Whether it sees all that there is now.
    is_first: bool,
    /// Up to which place it is asked for.
    end: usize,
}

impl Hunt<'_> {
    /// The matches in their order, at least up to the end, and how many there are, counted up to one more
    /// than [`FOUND_MAX`].
    async fn run(&self, reading: &mut PgConnection) -> sqlx::Result<(Vec<Match>, usize)> {
        match self.search.order {
            SearchOrder::Relevance => self.by_relevance(reading).await,
            SearchOrder::Time(order) => self.by_time(reading, order).await,
        }
    }

    async fn by_time(&self, reading: &mut PgConnection, order: Order) -> sqlx::Result<(Vec<Match>, usize)> {
        let needed = if self.is_many() { self.end } else { FOUND_MAX + 1 };
        let found = self.matches(reading, &self.sought(true, order, needed)).await?;
        let total = if found.len() < needed { found.len() } else { FOUND_MAX + 1 };
        Ok((found, total))
    }

    /// What is written exactly, then what may have been meant; in each the best first.
    async fn by_relevance(&self, reading: &mut PgConnection) -> sqlx::Result<(Vec<Match>, usize)> {
        let terms = &self.search.terms;
        let needed = if self.is_many() { self.end.next_multiple_of(RANKED_TOGETHER) } else { FOUND_MAX + 1 };
        let mut exact = self.sought(false, Order::Newest, needed);
        exact.ranked_by = Some(terms.wanted(&HashMap::new()));
        let mut found = self.matches(reading, &exact).await?;
        if found.len() >= needed {
            let together = if self.exactly().is_some() { RANKED_TOGETHER } else { needed };
            found.chunks_mut(together).for_each(best_first);
            return Ok((found, FOUND_MAX + 1));
        }
        best_first(&mut found);
        if !self.known.instead.is_empty() {
            let mut near = self.sought(true, Order::Newest, FOUND_MAX + 1 - found.len());
            near.ranked_by = Some(terms.wanted(&self.known.instead));
            near.except = Some(exact.wanted);
            let mut near = self.matches(reading, &near).await?;
            best_first(&mut near);
            found.append(&mut near);
        }
        let total = found.len();
        Ok((found, total))
    }

    /// What is looked for: as it is written, or widely, as it may be meant.
    fn sought(&self, widely: bool, order: Order, needed: usize) -> Sought {
        let (terms, generator) = (&self.search.terms, self.search.generator.as_deref());
        let as_written = HashMap::new();
        let wanted = terms.wanted(if widely { &self.known.instead } else { &as_written });
        let made_with = generator.map(|slug| format!(" & {}", quoted(&generator_word(slug)))).unwrap_or_default();
        Sought {
            wanted: format!("{wanted}{made_with}{}", terms.unwanted()),
            except: None,
            ranked_by: None,
            order,
            needed,
            expected: self.known.expected(terms, generator, widely),
        }
    }

    async fn matches(&self, reading: &mut PgConnection, sought: &Sought) -> sqlx::Result<Vec<Match>> {
        // The vocabulary knows every word that is to be found.
        if sought.expected <= 0.0 {
            return Ok(Vec::new());
        }
        sought.find(reading, self.as_of, self.known.texts).await
    }

    /// How many texts hold the query as it is written, where it is a single word.
    fn exactly(&self) -> Option<i64> {
        self.known.exactly(&self.search.terms, self.search.generator.as_deref())
    }

    /// Whether there are more than a search finds, without counting them.
    fn is_many(&self) -> bool {
        self.is_first && self.exactly().is_some_and(|texts| texts > FOUND_MAX as i64)
    }
}

/// The best first; of what fits equally well the newest.
fn best_first(matches: &mut [Match]) {
    matches.sort_unstable_by(|one, other| {
        let rank = other.rank.total_cmp(&one.rank);
        rank.then_with(|| (other.recorded_at, other.number).cmp(&(one.recorded_at, one.number)))
    });
}
