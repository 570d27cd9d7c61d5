//! `POST /products/extract`.

use axum::extract::State;
use axum::response::Response;
use mintmark_domain::account::Scope;
use mintmark_domain::run::Inputs;
use mintmark_domain::usecases::ExtractionRequest;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::run::RunResource;
use super::submit::Waiting;
use super::workflows::refused;
use crate::http::{Authenticated, Idempotency, JsonBody, Prefer, Problem, typed};
use crate::state::AppState;

/// A request for what a product page says.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ProductExtractionRequest {
    /// A public https address; private, local and unsafe targets are refused.
    #[schema(required = true, value_type = String, format = "uri", max_length = 8192)]
    pub url: Option<String>,
}

fn read(fields: Map<String, Value>) -> Result<String, Problem> {
    let asked: ProductExtractionRequest = typed(fields)?;
    let url = asked.url.map(|url| url.trim().to_owned()).filter(|url| !url.is_empty());
    url.ok_or_else(|| Problem::invalid("url is required.").coded("missing_value"))
}

/// Extract product data from a URL
///
/// Fetches the page (5 MB and 20 seconds at most; redirects are judged anew) and reads the product from its
/// JSON-LD, its OpenGraph and product meta, its microdata, or its plain words, field by field in that order.
/// A page that says of no product is read all the same: `success` is false, with what could be read. Each
/// page that was read costs the price of a run, from the cache too (`cached`); a page that cannot be had
/// fails the run at no cost. Waits up to 60 seconds, then answers 202; `Prefer: respond-async` and
/// `Prefer: wait=N` are honoured.
#[utoipa::path(
    post, path = "/v1/products/extract", operation_id = "products.extract.create", tag = "Generation",
    params(
        ("Idempotency-Key" = String, Header, description = "1 to 255 printable characters. The same key and body \
         again find the same run.", min_length = 1, max_length = 255),
        ("Prefer" = Option<String>, Header, description = "`respond-async`, `wait=N`"),
    ),
    request_body(content = ProductExtractionRequest, example = json!({
        "url": "https://example.com/products/matte-black-water-bottle",
    })),
    responses(
        (status = 200, description = "The run has ended.", body = RunResource),
        (status = 202, description = "The run is queued or under way.", body = RunResource),
    ),
)]
pub(super) async fn extract(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    idempotency: Idempotency,
    prefer: Prefer,
    body: JsonBody,
) -> Result<Response, Problem> {
    caller.require(Scope::ProductsWrite)?;
    let (core, key) = (&state.core, idempotency.required(&body.bytes)?);
    let accepted = match read(body.value) {
        Ok(url) => {
            let route = "POST /v1/products/extract".to_owned();
            let request = ExtractionRequest { url, route, idempotency: Some(key) };
            let accepted = core.extract_product(&caller, request).await;
            accepted.map_err(|refusal| refused(&refusal, Some("url")))?
        }
        Err(problem) => core.replay(&caller, Some(&key)).await?.ok_or(problem)?,
    };
    Waiting { prefer, waits: true }.answer(core, accepted, None::<Inputs>).await
}
