//! The search of public creations.

use async_graphql::{Context, Enum, SimpleObject};
use mintmark_projections::search::{Search, SearchOrder, Terms};
use mintmark_projections::{Order, Positions, ProjectionName};

use crate::creation::Creation;
use crate::error::{GraphqlError, Result};
use crate::filter;
use crate::fresh::fresh;
use crate::paging::{CreationEdge, PageInfo, page};
use crate::state::ContextExt as _;

/// What a search shows first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[graphql(name = "SearchOrder")]
pub(crate) enum SearchOrderName {
    /// What fits best.
    #[default]
    Relevance,
    /// What was asked for last.
    Newest,
    /// What was asked for first.
    Oldest,
}

impl From<SearchOrderName> for SearchOrder {
    fn from(order: SearchOrderName) -> Self {
        match order {
            SearchOrderName::Relevance => SearchOrder::Relevance,
            SearchOrderName::Newest => SearchOrder::Time(Order::Newest),
            SearchOrderName::Oldest => SearchOrder::Time(Order::Oldest),
        }
    }
}

/// A page of what a search finds. What came into sight since its first page is in no later one.
#[derive(SimpleObject)]
pub(crate) struct SearchConnection {
    /// The creations with their cursors.
    edges: Vec<CreationEdge>,
    /// Where the page stands.
    page_info: PageInfo,
    /// How many there are, 1,000 at most.
    total: u32,
    /// Whether there are more than `total`; none of them can be reached.
    total_capped: bool,
}

/// Stands between a cursor's positions and its place.
const BETWEEN: char = '.';

fn cursor(as_of: &Positions, place: usize) -> String {
    format!("{}{BETWEEN}{place}", as_of.to_token())
}

/// Positions and place that a walk goes on after.
fn read_cursor(cursor: &str) -> Option<(Positions, usize)> {
    let (as_of, place) = cursor.split_once(BETWEEN)?;
    Some((Positions::from_token(as_of).ok()?, place.parse().ok()?))
}

/// A page of what is found among public creations.
pub(crate) async fn creations(
    ctx: &Context<'_>,
    query: &str,
    generator: Option<String>,
    order: SearchOrderName,
    first: Option<i32>,
    after: Option<String>,
) -> Result<SearchConnection> {
    let (first, _) = page(first, None)?;
    let terms = Terms::read(query).map_err(|problem| GraphqlError::argument("query", problem.to_string()))?;
    let wrong = || GraphqlError::argument("after", "must be a cursor of this list");
    let after = after.map(|cursor| read_cursor(&cursor).ok_or_else(wrong)).transpose()?;
    let (as_of, from) = match &after {
        Some((as_of, place)) => (Some(as_of), place.saturating_add(1)),
        None => (None, 0),
    };
    let search = Search { terms, generator: filter::generator(ctx, generator)?, order: order.into() };
    fresh(ctx, &[ProjectionName::Generation, ProjectionName::Search]).await?;
    let found = ctx.reads().creations_found(&search, as_of, from, first).await?;
    let reached = from.saturating_add(first as usize);
    let nodes = found.items.into_iter().map(|(place, row)| (cursor(&found.as_of, place), Creation(row)));
    let nodes: Vec<(String, Creation)> = nodes.collect();
    Ok(SearchConnection {
        page_info: PageInfo::of(&nodes, reached < found.total, |(cursor, _)| cursor.as_str()),
        edges: nodes.into_iter().map(|(cursor, node)| CreationEdge::new(cursor, node)).collect(),
        total: u32::try_from(found.total).unwrap_or(u32::MAX),
        total_capped: found.total_capped,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_what_is_none_is_refused() {
        let as_of = Positions::default();
        assert_eq!(read_cursor(&cursor(&as_of, 41)), Some((as_of, 41)));
        for wrong in ["", ".", "x.1", "41", &cursor(&Positions::default(), 1).replace('1', "-1")] {
            assert_eq!(read_cursor(wrong), None, "{wrong}");
        }
    }
}
