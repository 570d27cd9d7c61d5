//! A search: what is written exactly before what may have been meant, the best before the rest.

use std::collections::HashMap;

use mintmark_domain::ids::CreationId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::lookup::Known;
use super::matches::{Match, Matches, SearchLimits, Sought};
use super::terms::{Terms, quoted};
use super::texts::generator_word;
use crate::as_of::Total;
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
        self.creations_found_within(SearchLimits::default(), search, said, from, limit).await
    }

    pub(crate) async fn creations_found_within(
        &self,
        limits: SearchLimits,
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
            (Vec::new(), Total::exact(0))
        } else {
            let mut reading = self.pool.begin_with(BY_INDEXES).await?;
            let known = Known::of(&mut reading, &search.terms, search.generator.as_deref()).await?;
            let hunt = Hunt { search, known, as_of: &as_of, is_first: said.is_none(), end, limits };
            hunt.run(&mut reading).await?
        };
        let shown = matches.get(from..end.min(matches.len())).unwrap_or_default();
        let items = self.in_sight(from, shown).await?;
        let found = usize::try_from(total.items).unwrap_or(FOUND_MAX);
        Ok(Found { items, total: found, total_capped: total.capped, as_of })
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
    limits: SearchLimits,
}

/// How many were found, where there may be more than was searched.
fn counted(found: usize, is_all: bool) -> Total {
    Total { items: found.min(FOUND_MAX) as u64, capped: found > FOUND_MAX || !is_all }
}

impl Hunt<'_> {
    /// The matches in their order, at least up to the end, and how many there are, counted up to [`FOUND_MAX`].
    async fn run(&self, reading: &mut PgConnection) -> sqlx::Result<(Vec<Match>, Total)> {
        match self.search.order {
            SearchOrder::Relevance => self.by_relevance(reading).await,
            SearchOrder::Time(order) => self.by_time(reading, order).await,
        }
    }

    async fn by_time(&self, reading: &mut PgConnection, order: Order) -> sqlx::Result<(Vec<Match>, Total)> {
        let needed = if self.is_many() { self.end } else { FOUND_MAX + 1 };
        let Matches { found, is_all } = self.matches(reading, &self.sought(true, Some(order), needed)).await?;
        let total = if found.len() < needed { counted(found.len(), is_all) } else { counted(FOUND_MAX + 1, true) };
        Ok((found, total))
    }

    /// What is written exactly, then what may have been meant; in each the best first.
    async fn by_relevance(&self, reading: &mut PgConnection) -> sqlx::Result<(Vec<Match>, Total)> {
        let terms = &self.search.terms;
        let needed = if self.is_many() { self.end.next_multiple_of(RANKED_TOGETHER) } else { FOUND_MAX + 1 };
        let mut exact = self.sought(false, Some(Order::Newest), needed);
        exact.ranked_by = Some(terms.wanted(&HashMap::new()));
        let Matches { mut found, mut is_all } = self.matches(reading, &exact).await?;
        if found.len() >= needed {
            let together = if self.exactly().is_some() { RANKED_TOGETHER } else { needed };
            found.chunks_mut(together).for_each(best_first);
            return Ok((found, counted(FOUND_MAX + 1, true)));
        }
        best_first(&mut found);
        if self.known.instead.is_empty() {
            let total = counted(found.len(), is_all);
            return Ok((found, total));
        }
        // Where what is asked for is found already, what may have been meant is only counted.
        let is_shown = found.len() < self.end;
        let mut near = self.sought(true, is_shown.then_some(Order::Newest), FOUND_MAX + 1 - found.len());
        near.ranked_by = is_shown.then(|| terms.wanted(&self.known.instead));
        near.except = Some(exact.wanted);
        let mut near = self.matches(reading, &near).await?;
        is_all &= near.is_all;
        let total = counted(found.len() + near.found.len(), is_all);
        if is_shown {
            best_first(&mut near.found);
            found.append(&mut near.found);
        }
        Ok((found, total))
    }

    /// What is looked for: as it is written, or widely, as it may be meant.
    fn sought(&self, widely: bool, order: Option<Order>, needed: usize) -> Sought {
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
            in_a_row: terms.has_rows(),
            limits: self.limits,
        }
    }

    async fn matches(&self, reading: &mut PgConnection, sought: &Sought) -> sqlx::Result<Matches> {
        // The vocabulary knows every word that is to be found.
        if sought.expected <= 0.0 {
            return Ok(Matches { found: Vec::new(), is_all: true });
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
