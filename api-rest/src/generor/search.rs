//! `/creations/search`.

use axum::Json;
use axum::extract::State;
use mintmark_projections::search::{QUERY_CHARACTERS_MAX, Search, SearchOrder, Terms};
use mintmark_projections::{Order, ProjectionName};

use super::creation::{Creation, shown_rows};
use super::creations::generator;
use super::envelope::{Listing, listing, paging_in};
use crate::AppState;
use crate::http::{Problem, QueryParams, Visitor, all_fresh};

/// What is searched for. Errors name the parameter.
fn terms(query: &QueryParams) -> Result<Terms, Problem> {
    let missing = || Problem::invalid(format!("q is required: 1 to {QUERY_CHARACTERS_MAX} characters."));
    let text = query.text("q")?.ok_or_else(missing)?;
    Terms::read(text).map_err(|problem| Problem::invalid(format!("q {problem}.")))
}

fn order(query: &QueryParams) -> Result<SearchOrder, Problem> {
    Ok(match query.one_of("sort", &["relevance", "newest", "oldest"])? {
        Some("newest") => SearchOrder::Time(Order::Newest),
        Some("oldest") => SearchOrder::Time(Order::Oldest),
        Some(_) | None => SearchOrder::Relevance,
    })
}

/// Search public creations by prompt text
///
/// All words must be there, in any case and with any accents. A misspelt word finds what was meant, and the
/// last may be the beginning of one; both come after what is written exactly. `"two words"` stand in a row,
/// `-word` must not be there, `this or that`. Found are 1,000 at most.
#[utoipa::path(
    get, path = "/api/v1/creations/search", operation_id = "creations.search", tag = "Creations",
    params(
        ("q" = String, Query, description = "1 to 500 characters, 32 words at most.", example = "sunset mountain",
            min_length = 1, max_length = 500),
        ("generator" = Option<String>, Query, description = "A generator's slug."),
        ("page" = Option<u32>, Query, description = "From 1.", minimum = 1, maximum = 100_000),
        ("per_page" = Option<u64>, Query, description = "20 if absent, 100 at most.", minimum = 1),
        ("sort" = Option<String>, Query, description = "`relevance` if absent, `newest` or `oldest`."),
        ("as_of" = Option<String>, Query,
            description = "The `as_of` of the first page: what came since is left out, what went is gone."),
        ("min_position" = Option<String>, Query, description = "What a write answered as `X-Log-Position`."),
    ),
    responses((status = 200, body = Listing<Creation>)),
    security((), ("key" = [])),
)]
pub(super) async fn search(
    State(state): State<AppState>,
    Visitor(caller): Visitor,
    query: QueryParams,
) -> Result<Json<Listing<Creation>>, Problem> {
    let terms = terms(&query)?;
    let generator = generator(&state, &query)?.map(str::to_owned);
    let search = Search { terms, generator, order: order(&query)? };
    // The order is the search's own.
    let paging = paging_in(&query, Order::Newest)?;
    all_fresh(&state, &caller, &query, &[ProjectionName::Generation, ProjectionName::Search]).await?;
    let page = state.reads.creation_search(&search, &paging).await?;
    let data = shown_rows(&state.core, &page.items).await?;
    let Json(mut listing) = listing(&paging, &page, data);
    // No page goes beyond what is counted.
    listing.meta.has_next = u64::from(listing.meta.page) < listing.meta.total_pages;
    Ok(Json(listing))
}
