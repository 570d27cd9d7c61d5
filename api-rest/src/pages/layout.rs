//! What all pages have in common.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::IntoResponse;
use maud::{DOCTYPE, Markup, html};
use sha2::{Digest as _, Sha256};

use super::visit::Visit;

const STYLE: &str = include_str!("style.css");
/// Where the style sheet is served.
pub(super) const STYLE_PATH: &str = "/pages/style.css";
/// How long a browser keeps it: its address changes when it does.
const KEPT: &str = "public, max-age=31536000, immutable";

static STYLE_ADDRESS: LazyLock<String> =
    LazyLock::new(|| format!("{STYLE_PATH}?v={}", hex::encode(&Sha256::digest(STYLE)[..6])));

/// `GET /pages/style.css`
pub(super) async fn style() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, KEPT),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, STYLE)
}

/// A page. `narrow` for a single form.
pub(super) fn page(title: &str, narrow: bool, visit: Option<&Visit>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Mintmark" }
                link rel="stylesheet" href=(STYLE_ADDRESS.as_str());
            }
            body {
                header {
                    a class="brand" href="/account" { "Mintmark" }
                    @if let Some(visit) = visit.filter(|visit| visit.person.is_some()) {
                        form method="post" action="/sign-out" {
                            (csrf(visit))
                            button class="plain" { "Sign out" }
                        }
                    }
                }
                main class=[narrow.then_some("narrow")] { (body) }
                footer { "Every credit and every creation accounted for." }
            }
        }
    }
}

/// The token without which a form does nothing.
pub(super) fn csrf(visit: &Visit) -> Markup {
    html! { input type="hidden" name="csrf" value=(visit.csrf()); }
}

/// Something that went well, or did not.
pub(super) fn note(wrong: bool, text: &str) -> Markup {
    html! {
        div class=(if wrong { "note wrong" } else { "note" }) role=(if wrong { "alert" } else { "status" }) { p { (text) } }
    }
}
