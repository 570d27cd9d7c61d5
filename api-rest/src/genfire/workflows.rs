//! `GET /workflows`, `GET /workflows/{key}` and `POST /workflows/{key}/runs`.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use mintmark_domain::account::Scope;
use mintmark_domain::catalog::{Schema, Workflow};
use mintmark_domain::run::Inputs;
use mintmark_domain::usecases::{Refusal, WorkflowRequest};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::models::List;
use super::order::ordered;
use super::run::RunResource;
use super::submit::Waiting;
use crate::http::{Authenticated, Idempotency, JsonBody, Path, Prefer, Problem};
use crate::state::AppState;

/// A workflow: a business outcome from a few fields.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkflowResource {
    /// Its key.
    #[schema(examples("hook_pack"))]
    pub id: String,
    /// Always `workflow`.
    #[schema(examples("workflow"))]
    pub object: &'static str,
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// Always `available`.
    #[schema(examples("available"))]
    pub status: &'static str,
    /// A JSON Schema of the fields that it takes.
    #[schema(value_type = Object)]
    pub input_schema: Box<RawValue>,
    /// A JSON Schema of its output.
    #[schema(value_type = Object)]
    pub output_schema: Box<RawValue>,
}

impl WorkflowResource {
    fn of(workflow: &Workflow) -> Result<Self, Problem> {
        Ok(WorkflowResource {
            id: workflow.key.clone(),
            object: "workflow",
            name: workflow.name.clone(),
            description: workflow.description.clone(),
            status: workflow.status.as_str(),
            input_schema: printed(&workflow.input_schema)?,
            output_schema: printed(&workflow.output_schema)?,
        })
    }
}

/// A schema as it was written, its fields in their order.
fn printed(schema: &Schema) -> Result<Box<RawValue>, Problem> {
    RawValue::from_string(ordered(schema.value(), schema.text())).map_err(Problem::internal)
}

/// List executable workflows
///
/// What can be had for a few fields: hooks, scripts, a creative pack, a storyboard. Each has a price of its
/// own for a run, whatever its model costs.
#[utoipa::path(
    get, path = "/v1/workflows", operation_id = "workflows.list", tag = "Workflows",
    responses((status = 200, body = List<WorkflowResource>)),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<List<WorkflowResource>>, Problem> {
    caller.require(Scope::WorkflowsRead)?;
    let workflows = state.core.catalog.workflows();
    Ok(Json(workflows.map(WorkflowResource::of).collect::<Result<_, _>>()?))
}

/// Get one workflow definition
///
/// Its input and output schema.
#[utoipa::path(
    get, path = "/v1/workflows/{workflowKey}", operation_id = "workflows.get", tag = "Workflows",
    params(("workflowKey" = String, Path, description = "A workflow's id: `hook_pack`, `creative_pack`, …")),
    responses((status = 200, body = WorkflowResource)),
)]
pub(super) async fn get(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(key): Path<String>,
) -> Result<Json<WorkflowResource>, Problem> {
    caller.require(Scope::WorkflowsRead)?;
    Ok(Json(WorkflowResource::of(state.core.workflow(&key)?)?))
}

/// Execute a workflow
///
/// The body holds the fields of the workflow's `input_schema`; others are ignored. The charge is the
/// workflow's own price, once a run, whatever it reads and however long it writes. What its model answers is
/// held against a schema; an answer that breaks it fails the run at no cost. Waits up to 60 seconds for the
/// run's end, then answers 202; `Prefer: respond-async` and `Prefer: wait=N` are honoured.
#[utoipa::path(
    post, path = "/v1/workflows/{workflowKey}/runs", operation_id = "workflows.runs.create", tag = "Workflows",
    params(
        ("workflowKey" = String, Path, description = "A workflow's id: `storyboard`, `hook_pack`, …"),
        ("Idempotency-Key" = String, Header, description = "1 to 255 printable characters. The same key and body \
         again find the same run.", min_length = 1, max_length = 255),
        ("Prefer" = Option<String>, Header, description = "`respond-async`, `wait=N`"),
    ),
    request_body(content = Object, description = "The fields of the workflow's `input_schema`.", example = json!({
        "prompt": "Portable blender for busy professionals", "audience": "Remote workers who skip breakfast",
        "tone": "persuasive", "length": "short", "target_duration": 20,
        "keywords": ["protein shake", "commute", "healthy"],
        "additional_requirements": "Lead with convenience and save time.",
    })),
    responses(
        (status = 200, description = "The run has ended.", body = RunResource),
        (status = 202, description = "The run is queued or under way.", body = RunResource),
    ),
)]
pub(super) async fn run(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(key): Path<String>,
    idempotency: Idempotency,
    prefer: Prefer,
    body: JsonBody,
) -> Result<Response, Problem> {
    caller.require(Scope::WorkflowsWrite)?;
    let (core, said) = (&state.core, idempotency.required(&body.bytes)?);
    let page = core.catalog.workflow(&key).and_then(|workflow| workflow.product_page.clone());
    let request = WorkflowRequest {
        key,
        fields: body.value,
        revises: None,
        route: "POST /v1/workflows/{workflowKey}/runs".to_owned(),
        idempotency: Some(said),
    };
    let accepted = core.run_workflow(&caller, request).await.map_err(|refusal| refused(&refusal, page.as_deref()))?;
    Waiting { prefer, waits: true }.answer(core, accepted, None::<Inputs>).await
}

/// A refusal in the workflow's own words.
pub(super) fn refused(refusal: &Refusal, page: Option<&str>) -> Problem {
    let problem = Problem::from(refusal.clone());
    match (refusal, page) {
        (Refusal::Input { field: "page", problem: why }, Some(page)) => {
            Problem { message: format!("{page}: {why}."), ..problem }
        }
        _ => problem,
    }
}
