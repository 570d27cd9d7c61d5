//! `/creations/{id}/rating`.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use mintmark_domain::account::Scope;
use mintmark_domain::ids::{AccountId, CreationId};
use mintmark_domain::social::{SCORE_MAX, SCORE_MIN};
use mintmark_projections::{Positions, ProjectionName};
use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

use super::creations::{number, visible};
use super::envelope::{Success, success};
use crate::AppState;
use crate::http::{Authenticated, JsonBody, LogPosition, Path, Problem, QueryParams, Visitor, reached};

/// How long a rating waits for the average to hold it.
const COUNTED_WITHIN: Duration = Duration::from_secs(1);
/// To how many places an average is told.
const PLACES: u32 = 2;

/// What a creation is rated.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({"creation_id": 12345, "average": 4.2, "count": 15, "my_score": null}))]
pub struct CreationRating {
    /// The creation.
    pub creation_id: u64,
    /// The mean of all scores, to two places; null where nobody has rated.
    #[schema(value_type = Option<f64>)]
    pub average: Option<Number>,
    /// How many have rated.
    pub count: u64,
    /// Ours: the caller's own score; null without one.
    pub my_score: Option<u64>,
}

/// A score.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub struct ScoreBody {
    /// 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    score: i64,
}

async fn rating(
    state: &AppState,
    number: u64,
    creation: CreationId,
    reader: Option<AccountId>,
) -> Result<CreationRating, Problem> {
    let total = state.reads.rating_total(creation).await?;
    let my_score = match reader {
        Some(reader) => state.reads.rating_by(creation, reader).await?,
        None => None,
    };
    let average = total.average(PLACES).and_then(|average| average.to_string().parse().ok());
    Ok(CreationRating { creation_id: number, average, count: total.count, my_score })
}

/// Get the average rating of a creation
#[utoipa::path(
    get, path = "/api/v1/creations/{id}/rating", operation_id = "ratings.get", tag = "Ratings",
    params(
        ("id" = u64, Path, description = "The creation."),
        ("min_position" = Option<String>, Query, description = "What a write answered as `X-Log-Position`."),
    ),
    responses((status = 200, body = Success<CreationRating>)),
    security((), ("key" = [])),
)]
pub(super) async fn get(
    State(state): State<AppState>,
    Visitor(caller): Visitor,
    Path(id): Path<String>,
    query: QueryParams,
) -> Result<impl IntoResponse, Problem> {
    let number = number(&id)?;
    let (_, read_at) = visible(&state, caller.as_ref(), number).await?;
    let creation = state.core.creation_id(number).await?.ok_or_else(|| Problem::not_found("Creation"))?;
    if !reached(&state, &query, ProjectionName::People).await? {
        let at = Positions::one(creation.shard(), read_at);
        state.reads.wait_for_all(ProjectionName::People, &at, COUNTED_WITHIN).await;
    }
    let reader = caller.map(|caller| caller.account);
    let rating = rating(&state, number, creation, reader).await?;
    Ok((LogPosition::read(creation.shard(), Some(read_at)), success(rating)))
}

/// Rate a creation
///
/// Rating again changes the score.
#[utoipa::path(
    post, path = "/api/v1/creations/{id}/rating", operation_id = "ratings.rate", tag = "Ratings",
    params(("id" = u64, Path, description = "The creation.")),
    request_body(content = ScoreBody, example = json!({"score": 5})),
    responses((status = 201, body = Success<CreationRating>)),
)]
pub(super) async fn rate(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    JsonBody { value: body, .. }: JsonBody<ScoreBody>,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::SocialWrite)?;
    let number = number(&id)?;
    let score = u8::try_from(body.score).ok().filter(|score| (SCORE_MIN..=SCORE_MAX).contains(score));
    let score = score
        .ok_or_else(|| Problem::invalid(format!("score must be a whole number from {SCORE_MIN} to {SCORE_MAX}.")))?;
    let (creation, confirmed) = state.core.rate(&caller, number, score).await?;
    let at = Positions::one(creation.shard(), confirmed.end.position);
    state.reads.wait_for_all(ProjectionName::People, &at, COUNTED_WITHIN).await;
    let rating = rating(&state, number, creation, Some(caller.account)).await?;
    Ok((StatusCode::CREATED, LogPosition::confirmed(creation.shard(), &confirmed), success(rating)))
}
