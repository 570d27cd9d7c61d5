//! The envelope of successes, and numbered pages.

use axum::Json;
use mintmark_projections::{AsOf, Order, Page, Paging};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::http::{Problem, QueryParams};

/// How many items a page holds where nobody says.
const PER_PAGE: i64 = 20;
/// How many items a page holds at most; more is clamped (decision 13).
const PER_PAGE_MAX: i64 = 100;
/// How far into a list pages reach: `page` × `per_page` at most.
const REACH_MAX: i64 = 100_000;

/// A success.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Success<T> {
    /// Always true.
    #[schema(examples(true))]
    pub success: bool,
    /// What was asked for.
    pub data: T,
}

/// A page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Listing<T> {
    /// Always true.
    #[schema(examples(true))]
    pub success: bool,
    /// The page's items.
    pub data: Vec<T>,
    /// Where the page stands in the list.
    pub meta: Meta,
}

/// Where a page stands in its list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Meta {
    /// The page, from 1.
    pub page: u32,
    /// Items on a page, as applied: more than 100 is taken as 100.
    pub per_page: u32,
    /// Items on all pages.
    pub total: u64,
    /// How many pages there are.
    pub total_pages: u64,
    /// Whether a page follows.
    pub has_next: bool,
    /// Whether a page comes before.
    pub has_prev: bool,
    /// Ours: true where there are more than `total`, at which counting ended; absent otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub total_capped: bool,
    /// Ours: sent back as `as_of` it freezes the list, so that a walk neither skips nor repeats.
    pub as_of: String,
}

/// A success that holds `data`.
pub(super) fn success<T>(data: T) -> Json<Success<T>> {
    Json(Success { success: true, data })
}

/// Which page is asked for. Errors name the parameter.
pub(super) fn paging(query: &QueryParams) -> Result<Paging, Problem> {
    paging_by(query, PER_PAGE)
}

/// The same of a list that is short by its nature: the document does not say that it comes in pages, so
/// whoever asks for none gets as much as a page may hold.
pub(super) fn paging_of_few(query: &QueryParams) -> Result<Paging, Problem> {
    paging_by(query, PER_PAGE_MAX)
}

fn paging_by(query: &QueryParams, usual: i64) -> Result<Paging, Problem> {
    let order = match query.one_of("sort", &["newest", "oldest"])? {
        Some("oldest") => Order::Oldest,
        Some(_) | None => Order::Newest,
    };
    cut(query, usual, order)
}

/// What lists take, for the document; [`paging`] reads it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `paging` reads")]
pub(super) struct Pages {
    /// From 1.
    #[param(minimum = 1, maximum = 100_000)]
    page: Option<u32>,
    /// 20 if absent, 100 at most; times `page` at most 100,000.
    #[param(minimum = 1)]
    per_page: Option<u64>,
    /// `newest` (if absent) or `oldest`.
    sort: Option<String>,
    /// The `as_of` of the first page: freezes the walk.
    as_of: Option<String>,
}

/// The same of lists that are short by their nature; [`paging_of_few`] reads it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `paging_of_few` reads")]
pub(super) struct PagesOfFew {
    /// From 1.
    #[param(minimum = 1, maximum = 100_000)]
    page: Option<u32>,
    /// 100 if absent, and at most.
    #[param(minimum = 1)]
    per_page: Option<u64>,
    /// `newest` (if absent) or `oldest`.
    sort: Option<String>,
}

/// Which page is asked for of a list whose order is judged elsewhere.
pub(super) fn paging_in(query: &QueryParams, order: Order) -> Result<Paging, Problem> {
    cut(query, PER_PAGE, order)
}

fn cut(query: &QueryParams, usual: i64, order: Order) -> Result<Paging, Problem> {
    let page = query.whole_in("page", 1..=REACH_MAX)?.unwrap_or(1);
    let per_page = query.whole("per_page")?.unwrap_or(usual).min(PER_PAGE_MAX);
    if per_page < 1 {
        return Err(Problem::invalid(format!("per_page must be a whole number from 1 to {PER_PAGE_MAX}.")));
    }
    if page * per_page > REACH_MAX {
        return Err(Problem::invalid(format!("page times per_page must be at most {REACH_MAX}.")));
    }
    let wrong = |_| Problem::invalid("as_of must be the as_of of a page's meta.");
    let as_of = query.text("as_of")?.map(AsOf::from_token).transpose().map_err(wrong)?;
    let narrow = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(Paging { page: narrow(page), per_page: narrow(per_page), order, as_of })
}

impl Meta {
    fn of<T>(paging: &Paging, page: &Page<T>) -> Self {
        let total_pages = page.total.div_ceil(u64::from(paging.per_page.max(1)));
        Meta {
            page: paging.page,
            per_page: paging.per_page,
            total: page.total,
            total_pages,
            has_next: u64::from(paging.page) < total_pages || page.total_capped,
            total_capped: page.total_capped,
            has_prev: paging.page > 1,
            as_of: page.as_of.to_token(),
        }
    }
}

/// A page whose rows are shown as `data`.
pub(super) fn listing<R, T>(paging: &Paging, page: &Page<R>, data: Vec<T>) -> Json<Listing<T>> {
    Json(Listing { success: true, data, meta: Meta::of(paging, page) })
}

/// A page of a list that is at hand whole, newest first. Nothing freezes it: it is the same for everybody until an
/// operator or its owner changes it.
pub(super) fn page_of<T>(paging: &Paging, mut all: Vec<T>) -> Json<Listing<T>> {
    if paging.order == Order::Oldest {
        all.reverse();
    }
    let total = all.len() as u64;
    let before = (paging.page.max(1) as usize - 1) * paging.per_page as usize;
    let items = all.into_iter().skip(before).take(paging.per_page as usize).collect();
    let page: Page<T> = Page { items, total, total_capped: false, as_of: AsOf::default() };
    Json(Listing { success: true, meta: Meta::of(paging, &page), data: page.items })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Paging, Problem> {
        paging(&QueryParams::parse(text).unwrap())
    }

    #[test]
    fn a_page_has_twenty_items_unless_more_are_asked_for_and_a_hundred_at_most() {
        let sizes = |text: &str| read(text).map(|paging| (paging.page, paging.per_page));
        assert_eq!(sizes("").unwrap(), (1, 20));
        assert_eq!(sizes("page=3&per_page=50").unwrap(), (3, 50));
        assert_eq!(sizes("per_page=1000").unwrap(), (1, 100));
        assert_eq!(sizes("page=1000&per_page=100").unwrap(), (1000, 100));
        for bad in
            ["page=0", "page=-1", "page=x", "per_page=0", "page=1001&per_page=100", "page=99999999999", "sort=up"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(read("per_page=0").unwrap_err().message, "per_page must be a whole number from 1 to 100.");
        assert!(read("as_of=zzz").unwrap_err().message.contains("as_of"));
    }

    #[test]
    fn a_list_at_hand_is_cut_into_pages_and_whole_where_none_is_asked_for() {
        let page = |text: &str| {
            let Json(page) = page_of(&paging_of_few(&QueryParams::parse(text).unwrap()).unwrap(), (0..30).collect());
            (page.data.len(), page.data.first().copied(), page.meta.total, page.meta.has_next, page.meta.has_prev)
        };
        assert_eq!(page(""), (30, Some(0), 30, false, false));
        assert_eq!(page("per_page=20"), (20, Some(0), 30, true, false));
        assert_eq!(page("per_page=20&page=2"), (10, Some(20), 30, false, true));
        assert_eq!(page("per_page=20&page=3"), (0, None, 30, false, true));
    }

    #[test]
    fn meta_says_where_a_page_stands() {
        let meta = |total, text: &str| {
            Meta::of(
                &read(text).unwrap(),
                &Page::<u8> { items: vec![], total, total_capped: false, as_of: AsOf::default() },
            )
        };
        let first = meta(142, "");
        assert_eq!((first.total_pages, first.has_next, first.has_prev), (8, true, false));
        let last = meta(142, "page=8");
        assert_eq!((last.has_next, last.has_prev), (false, true));
        let none = meta(0, "");
        assert_eq!((none.total_pages, none.has_next, none.has_prev), (0, false, false));
    }
}
