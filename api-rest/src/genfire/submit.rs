//! From a request to an accepted run and its answer: what every generation endpoint does.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::TimeDelta;
use http::{HeaderValue, StatusCode, header};
use mintmark_domain::catalog::{Catalog, Dialect};
use mintmark_domain::creation::Privacy;
use mintmark_domain::run::{Inputs, RunStatus};
use mintmark_domain::usecases::{Accepted, Caller, Core, IdempotencyKey, RunRequest, RunView};
use serde_json::{Map, Value};

use super::asked::{Asked, Operation};
use super::mapping::{Mapper, RunFacts};
use super::run::{RunResource, RunState};
use super::uploads;
use crate::http::{Idempotency, JsonBody, LogPosition, PARSED_INLINE_BYTES_MAX, Prefer, Problem, Replayed};
use crate::state::AppState;

/// How long an answer waits for a run's end at most (decision 12).
const WAIT_MAX: Duration = Duration::from_secs(60);

/// What every generation endpoint is given.
pub(super) struct Submission {
    /// Who asks.
    pub caller: Caller,
    /// The key under which it may be said again.
    pub idempotency: Idempotency,
    /// How long the caller wants to wait.
    pub prefer: Prefer,
    /// The body.
    pub body: JsonBody,
}

/// Reads a body in one endpoint's way.
pub(super) type Reader = fn(&Catalog, Map<String, Value>) -> Result<Asked, Problem>;

impl Submission {
    /// Accepts the run, waits as long as is due, and answers with the run as it then stands.
    pub async fn answer(self, state: &AppState, operation: &Operation, read: Reader) -> Result<Response, Problem> {
        self.caller.require(operation.scope)?;
        let (core, key) = (&state.core, self.idempotency.required(&self.body.bytes)?);
        let (accepted, inputs) = match read_aside(core, self.body, read).await? {
            Ok(mut asked) => match asked.attached.take() {
                Some(sound) => match core.replay(&self.caller, Some(&key)).await? {
                    Some(found) => (found, None),
                    None => with_sound(state, &self.caller, operation, (asked, sound), key).await?,
                },
                None => accepted(core, &self.caller, operation, asked, key).await?,
            },
            // A run that was accepted before stays found, whatever the catalog says by now.
            Err(problem) => (core.replay(&self.caller, Some(&key)).await?.ok_or(problem)?, None),
        };
        Waiting { prefer: self.prefer, waits: operation.waits }.answer(core, accepted, inputs).await
    }
}

/// What a body asks for. Reading a large one takes a while; other tasks need not wait for it.
async fn read_aside(core: &Core, body: JsonBody, read: Reader) -> Result<Result<Asked, Problem>, Problem> {
    if body.bytes.len() <= PARSED_INLINE_BYTES_MAX {
        return Ok(read(&core.catalog, body.value));
    }
    let catalog = Arc::clone(&core.catalog);
    let asked = tokio::task::spawn_blocking(move || read(&catalog, body.value)).await;
    asked.map_err(|error| Problem::internal(format!("reading a body: {error}")))
}

async fn accepted(
    core: &Core,
    caller: &Caller,
    operation: &Operation,
    asked: Asked,
    key: IdempotencyKey,
) -> Result<(Accepted, Option<Inputs>), Problem> {
    let (images_field, inputs) = (asked.images_field, asked.inputs.clone());
    let accepted = core.accept_run(caller, request(operation, asked, key)).await;
    let accepted = accepted.map_err(|refusal| operation.refused(&core.catalog, &refusal, images_field))?;
    Ok((accepted, Some(inputs)))
}

/// The sound that came within the body is kept like an upload, unless nothing comes of the request.
async fn with_sound(
    state: &AppState,
    caller: &Caller,
    operation: &Operation,
    (mut asked, sound): (Asked, Bytes),
    key: IdempotencyKey,
) -> Result<(Accepted, Option<Inputs>), Problem> {
    let kept = state.uploads.keep(caller.account, sound).await.map_err(uploads::problem)?;
    asked.inputs.input_audio = Some(kept.url);
    let accepted = accepted(&state.core, caller, operation, asked, key).await;
    if accepted.as_ref().map_or(true, |(accepted, _)| accepted.replayed)
        && let Err(error) = state.uploads.discard(&kept.asset_id).await
    {
        tracing::warn!(%error, "a file that nothing came of is left until it is swept");
    }
    accepted
}

/// How long the answer to an accepted run waits for its end.
pub(super) struct Waiting {
    /// How long the caller wants to wait.
    pub prefer: Prefer,
    /// Whether it waits unless the caller says otherwise (decision 12).
    pub waits: bool,
}

impl Waiting {
    /// Waits as long as is due, and answers with the run as it then stands. `inputs` are what the request
    /// brought, where they are at hand.
    pub async fn answer(self, core: &Core, accepted: Accepted, inputs: Option<Inputs>) -> Result<Response, Problem> {
        let usual = if self.waits { WAIT_MAX } else { Duration::ZERO };
        let within = self.prefer.wait_for(usual, WAIT_MAX);
        let accepted_at = LogPosition::confirmed(accepted.run_id.shard(), &accepted.confirmed);
        let (replayed, applied) = (Replayed(accepted.replayed), self.prefer.applied());
        let at_once = within.is_zero() && !accepted.replayed;
        let view = settled(core, accepted, inputs, within).await?;
        // Where what is shown was read, not where the request was accepted: whoever reads at it finds the
        // run as this answer shows it.
        let position = accepted_at.and(view.run_id.shard(), view.as_of);
        Ok((replayed, applied, position, answer(core, &view, at_once)?).into_response())
    }
}

fn request(operation: &Operation, asked: Asked, idempotency: IdempotencyKey) -> RunRequest {
    RunRequest {
        team: None,
        dialect: Dialect::Genfire,
        model: asked.model,
        ask: asked.ask,
        inputs: asked.inputs,
        generator: None,
        preference: None,
        preference_two: None,
        // Runs of this dialect are their owner's alone: addresses are signed.
        privacy: Privacy::Private,
        route: operation.route.to_owned(),
        operation: operation.name.to_owned(),
        scope: operation.scope,
        workflow: None,
        idempotency: Some(idempotency),
    }
}

/// The run once it has ended, or as it stands when there was no more time to wait. Said again or not,
/// the same body brought the same `inputs`; where it could not be read any more they are opened.
async fn settled(
    core: &Core,
    accepted: Accepted,
    inputs: Option<Inputs>,
    within: Duration,
) -> Result<RunView, Problem> {
    let Accepted { run_id, run, .. } = accepted;
    let inputs = match inputs {
        Some(inputs) => inputs,
        None => core.opened(run_id, run.clone()).await?.inputs,
    };
    let ended = run.status().is_ended();
    if !ended && within.is_zero() {
        return Ok(RunView { run_id, run, inputs, creations: Vec::new(), as_of: None });
    }
    if !ended {
        core.dispatch.ended(run_id, within).await;
    }
    Ok(core.run_view_with(run_id, run, inputs).await?)
}

/// 200 with a run that has ended, else 202.
fn answer(core: &Core, view: &RunView, at_once: bool) -> Result<Response, Problem> {
    let mut run = resource(core, view)?;
    let ended = view.run.status().is_ended();
    // What was just accepted is answered as the document prints it: queued. That this node starts it
    // at once is told by the first read of the run.
    if at_once && view.run.status() == RunStatus::Running {
        run.status = RunState::Queued;
    }
    if ended {
        return Ok(Json(run).into_response());
    }
    let location = core.links.page(&format!("/v1/runs/{}", run.id));
    let mut response = (StatusCode::ACCEPTED, Json(run)).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// The resource of a view.
pub(super) fn resource(core: &Core, view: &RunView) -> Result<RunResource, Problem> {
    mapped(mapper(core), view)
}

/// The resource of a view for somebody who keeps it: its addresses are good for so long.
pub(super) fn lasting_resource(core: &Core, view: &RunView, lasts: TimeDelta) -> Result<RunResource, Problem> {
    mapped(Mapper { addresses_last: Some(lasts), ..mapper(core) }, view)
}

fn mapped(mapper: Mapper<'_>, view: &RunView) -> Result<RunResource, Problem> {
    let facts = RunFacts::of_view(view).ok_or_else(|| Problem::internal("a view of a run that nobody asked for"))?;
    Ok(mapper.run(&facts))
}

/// Maps as of now.
pub(super) fn mapper(core: &Core) -> Mapper<'_> {
    Mapper { catalog: &core.catalog, links: &*core.links, now: core.now(), addresses_last: None }
}
