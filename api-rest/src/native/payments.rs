//! `/payments/events`: what a payment processor says of payments, signed as Standard Webhooks has it.

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest as _, Request, State};
use axum::response::IntoResponse;
use bytes::Bytes;
use http::HeaderMap;
use mintmark_domain::Credits;
use mintmark_domain::ids::AccountId;
use mintmark_domain::payment::{PaymentError, Reversal};
use mintmark_domain::usecases::{Happened, PaymentNotice, Refusal};
use mintmark_domain::webhook::{SignatureError, SignedMessage};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::AppState;
use crate::http::limits::Class;
use crate::http::{
    Amount, JsonBody, Kind, LogPosition, Problem, Replayed, RequestContext, exact_decimal, read, too_many,
};

/// How many bytes an event has at most.
const EVENT_BYTES_MAX: usize = 64 << 10;
/// How long a processor had better wait while no secret is set, in seconds.
const UNCONFIGURED_SECONDS: u64 = 60;

/// What can happen to a payment.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum EventType {
    Paid,
    Refunded,
    Chargeback,
}

/// An event as it is sent. Fields that are not known are ignored.
#[derive(Debug, Deserialize)]
struct EventBody {
    id: String,
    #[serde(rename = "type")]
    what: EventType,
    account: Value,
    currency: String,
    reference: Option<String>,
}

/// The numbers of an event as they are written: on the way through a `Value` digits would be lost.
#[derive(Debug, Deserialize)]
struct Numbers<'a> {
    #[serde(borrow)]
    credits: Option<&'a RawValue>,
    #[serde(borrow)]
    amount: Option<&'a RawValue>,
}

/// What was taken, now or before: the same event has the same answer.
#[derive(Debug, Serialize)]
struct Taken {
    id: String,
    #[serde(rename = "type")]
    what: EventType,
    /// The payment, as lists of transactions name it.
    payment_id: String,
    account_id: String,
    credits: Amount,
}

/// Takes an event of a payment processor's, once.
pub(super) async fn receive(
    State(state): State<AppState>,
    context: RequestContext,
    request: Request,
) -> Result<impl IntoResponse, Problem> {
    if state.settings.payment_secrets.is_empty() {
        let message = "No secret of a payment processor is configured (payments.secrets), so no event can be taken.";
        let mut problem = Problem::new(Kind::Overloaded, message).coded("payments_not_configured");
        problem.retry_after_seconds = Some(UNCONFIGURED_SECONDS);
        return Err(problem);
    }
    let (parts, body) = request.into_parts();
    let bytes = match verified(&state, &parts.headers, body).await? {
        Ok(bytes) => bytes,
        Err(why) => return Err(unsigned(&state, &context, why).await),
    };
    // From here on it is the processor who speaks, who is not counted: behind its few addresses are all payments.
    let request = Request::from_parts(parts, bytes.clone().into());
    let JsonBody { value: event, .. } = JsonBody::<EventBody, EVENT_BYTES_MAX>::from_request(request, &state).await?;
    let numbers: Numbers<'_> = serde_json::from_slice(&bytes)
        .map_err(|error| Problem::new(Kind::Malformed, format!("The request body is not valid JSON: {error}.")))?;
    let what = event.what;
    let notice = notice(&state, event, &numbers).await?;
    let (id, account, credits) = (notice.id.clone(), notice.account, notice.credits);
    let noted = state.core.note_payment(notice, context.request_id()).await.map_err(|refusal| {
        // The processor says it again, and nobody may ever read what it was answered.
        tracing::warn!(payment = %id, ?what, %account, %refusal, "a payment event was refused");
        refused(&refusal)
    })?;
    let answer = Taken {
        id,
        what,
        payment_id: noted.payment.to_string(),
        account_id: account.to_string(),
        credits: credits.into(),
    };
    Ok((LogPosition::confirmed(account.shard(), &noted.confirmed), Replayed(noted.replayed), Json(answer)))
}

/// Why a request is none of the processor's.
enum Unsigned {
    /// A header is missing, said twice, or no text.
    Header(&'static str),
    Signature(SignatureError),
}

/// The body, where it is the processor's. Errors: it is too large, or does not arrive.
async fn verified(state: &AppState, headers: &HeaderMap, body: Body) -> Result<Result<Bytes, Unsigned>, Problem> {
    let said = |name: &'static str| {
        let mut values = headers.get_all(name).iter();
        let value = values.next().and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
        value.filter(|_| values.next().is_none()).ok_or(Unsigned::Header(name))
    };
    // Nothing is read from whoever does not even say that it is signed.
    let (id, timestamp, signatures) = match (said("webhook-id"), said("webhook-timestamp"), said("webhook-signature")) {
        (Ok(id), Ok(timestamp), Ok(signatures)) => (id, timestamp, signatures),
        (Err(why), _, _) | (_, Err(why), _) | (_, _, Err(why)) => return Ok(Err(why)),
    };
    let bytes = read(headers, body, EVENT_BYTES_MAX).await?;
    let message = SignedMessage { id, timestamp, signatures, body: &bytes };
    let verdict = message.verify(&state.settings.payment_secrets, state.core.now());
    Ok(verdict.map(|()| bytes.clone()).map_err(Unsigned::Signature))
}

/// Whoever is not the processor counts as anybody without a key.
async fn unsigned(state: &AppState, context: &RequestContext, why: Unsigned) -> Problem {
    let counters = state.settings.rate_limits.of_address(context.peer(), Class::Standard);
    let verdict = match state.limiter.take(&counters, state.core.now()).await {
        Ok(verdict) => verdict,
        Err(uncounted) => return uncounted.into(),
    };
    too_many(verdict).unwrap_or_else(|| {
        let message = match why {
            Unsigned::Header(name) => format!("The header {name} is required, once."),
            Unsigned::Signature(error) => crate::http::sentence(&error.to_string()),
        };
        Problem::new(Kind::Unauthenticated, message).coded("invalid_signature")
    })
}

/// The event in the use case's words. Errors: a field is missing or is not what it must be.
async fn notice(state: &AppState, event: EventBody, numbers: &Numbers<'_>) -> Result<PaymentNotice, Problem> {
    let credits = decimal(numbers.credits, "credits", "a decimal number greater than 0 with at most 6 decimal places")?;
    let credits = Credits::new(credits).map_err(|error| Problem::invalid(format!("credits: {error}.")))?;
    let amount = decimal(numbers.amount, "amount", "a decimal number of at least 0 with at most 6 decimal places")?;
    let how = match event.what {
        EventType::Paid => None,
        EventType::Refunded => Some(Reversal::Refunded),
        EventType::Chargeback => Some(Reversal::Chargeback),
    };
    let what = how.map_or(Happened::Paid, |how| Happened::Reversed { how, reference: event.reference });
    let account = account(state, &event.account).await?;
    Ok(PaymentNotice { id: event.id, what, account, credits, amount, currency: event.currency })
}

fn decimal(raw: Option<&RawValue>, field: &str, wanted: &str) -> Result<Decimal, Problem> {
    let raw = raw.ok_or_else(|| Problem::invalid(format!("{field} is required.")))?;
    exact_decimal(raw)
        .ok_or_else(|| Problem::invalid(format!("{field} must be {wanted}, as a number or a string of digits.")))
}

/// An account in either of its forms.
async fn account(state: &AppState, said: &Value) -> Result<AccountId, Problem> {
    let unknown = || Problem::new(Kind::NotFound, "account: there is no such account.");
    let user_id = match said {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => match text.parse::<AccountId>() {
            Ok(account) => return Ok(account),
            Err(_) => text.parse().ok(),
        },
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let user_id = user_id.ok_or_else(|| {
        Problem::invalid("account must be an account's id (acct_…) or the whole number by which a user is known.")
    })?;
    state.reads.account_by_user_id(user_id).await?.map(|account| account.id).ok_or_else(unknown)
}

/// A refusal with the field that it is about.
fn refused(refusal: &Refusal) -> Problem {
    let problem = Problem::from(refusal.clone());
    let field = match refusal {
        Refusal::NotFound("account") => "account: there is no such account",
        Refusal::Payment(PaymentError::NotFound) => {
            "id: no payment of this account is known by it. Send its paid event first, then this one again"
        }
        Refusal::Payment(error @ (PaymentError::TooMuch { .. } | PaymentError::NotPositive)) => {
            return Problem { message: format!("credits: {error}."), ..problem };
        }
        Refusal::Payment(error) => return Problem { message: format!("id: {error}."), ..problem },
        _ => return problem,
    };
    Problem { message: format!("{field}."), ..problem }
}
