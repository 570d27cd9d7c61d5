//! `/credits/gifts`, ours: credits handed to somebody else.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use mintmark_domain::Credits;
use mintmark_domain::account::Scope;
use mintmark_domain::gift::GiftStatus;
use mintmark_domain::ids::GiftId;
use serde::{Deserialize, Serialize};
use serde_json::Number;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::envelope::{Success, success};
use super::values::Moment;
use crate::AppState;
use crate::http::{Amount, Authenticated, Idempotency, JsonBody, LogPosition, Problem, Replayed, exact_decimal};

/// Credits for somebody else.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct GiftBody {
    /// Who is to have them.
    username: String,
    /// How many: at least 1, at most six places.
    #[schema(value_type = f64, minimum = 1)]
    #[allow(dead_code, reason = "it is read from the body itself, exactly")]
    credits: Number,
}

/// A gift.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Gift {
    /// Its id.
    #[schema(value_type = String)]
    pub gift_id: String,
    /// Who is to have it.
    pub username: String,
    /// How many credits.
    pub credits: Amount,
    /// `sent`, `delivered`, or `returned` where the receiver cannot have it.
    #[schema(examples("delivered"))]
    pub status: &'static str,
    /// What the caller can still spend.
    pub credits_remaining: Amount,
    /// When it was sent.
    pub created_at: Moment,
}

fn status(status: GiftStatus) -> &'static str {
    match status {
        GiftStatus::None | GiftStatus::Sent => "sent",
        GiftStatus::Delivered => "delivered",
        GiftStatus::Returned => "returned",
    }
}

/// How many credits, as it is written: on the way through a double digits would be lost.
#[derive(Deserialize)]
struct Exact<'a> {
    #[serde(borrow)]
    credits: &'a RawValue,
}

fn credits(body: &[u8]) -> Result<Credits, Problem> {
    let said = serde_json::from_slice::<Exact<'_>>(body).ok().and_then(|said| exact_decimal(said.credits));
    let credits = said.and_then(|decimal| Credits::new(decimal).ok()).filter(|credits| credits.is_positive());
    credits.ok_or_else(|| Problem::invalid("credits must be a number greater than 0 with at most 6 decimal places."))
}

/// Where a gift stands once it was carried on. One that cannot go on now is carried on later.
async fn carried(state: &AppState, gift: GiftId) -> GiftStatus {
    match state.core.carry_gift(gift).await {
        Ok(status) => status,
        Err(refusal) => {
            tracing::warn!(%gift, %refusal, "a gift is carried on later");
            GiftStatus::Sent
        }
    }
}

/// Give credits to somebody
///
/// Ours. They leave the caller's balance at once. Where the receiver cannot have them (suspended, erased) they
/// come back.
#[utoipa::path(
    post, path = "/api/v1/credits/gifts", operation_id = "credits.gift", tag = "Credits",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters. The same request \
         again is the same gift.", min_length = 1, max_length = 255),
    ),
    request_body(content = GiftBody, example = json!({"username": "janedoe", "credits": 25})),
    responses((status = 201, body = Success<Gift>), (status = 404, description = "There is no such user.")),
)]
pub(super) async fn give(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    idempotency: Idempotency,
    JsonBody { value: body, bytes }: JsonBody<GiftBody>,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::SocialWrite)?;
    let amount = credits(&bytes)?;
    let key = idempotency.with_body(&bytes);
    let (sent, confirmed) = state.core.give_credits(&caller, &body.username, amount, key).await?;
    let status_now = carried(&state, sent.id).await;
    // What came back can be spent again.
    let remaining = match status_now {
        GiftStatus::Returned => state.core.balance_of(caller.account).await?.available,
        GiftStatus::None | GiftStatus::Sent | GiftStatus::Delivered => sent.available,
    };
    let gift = Gift {
        gift_id: sent.id.to_string(),
        username: body.username.to_ascii_lowercase(),
        credits: sent.sent.amount.into(),
        status: status(status_now),
        credits_remaining: remaining.into(),
        created_at: Moment(sent.sent.at),
    };
    let position = LogPosition::confirmed(caller.account.shard(), &confirmed);
    Ok((StatusCode::CREATED, position, Replayed(sent.replayed), success(gift)))
}
