//! A task as the document shows it, and polling it.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use mintmark_domain::Timestamp;
use mintmark_domain::account::Scope;
use mintmark_domain::creation::Output;
use mintmark_domain::ids::RunId;
use mintmark_domain::ports::Links;
use mintmark_domain::run::RunStatus;
use mintmark_domain::usecases::{Refusal, RunView};
use serde::Serialize;
use utoipa::ToSchema;

use crate::AppState;
use crate::http::{Authenticated, LogPosition, Path, Problem};

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TaskStatus {
    /// It is queued.
    Pending,
    /// The image is being generated.
    Processing,
    /// The images are there.
    Success,
    /// There will be none; the error says why.
    Failed,
}

impl From<RunStatus> for TaskStatus {
    /// Decision 9.
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::None | RunStatus::Queued => TaskStatus::Pending,
            RunStatus::Running | RunStatus::OutcomeUnknown => TaskStatus::Processing,
            RunStatus::Succeeded => TaskStatus::Success,
            RunStatus::Failed | RunStatus::Cancelled => TaskStatus::Failed,
        }
    }
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Task {
    /// Its id, 32 hex digits.
    #[schema(example = "019ab3f0c1d2800080a1b2c3d4e5f607")]
    pub task_id: String,
    /// Where it stands.
    pub status: TaskStatus,
    /// Addresses of the images, fresh on every read; once it has succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<Vec<String>>,
    /// Why it failed; once it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Task {
    /// A run as a task.
    pub(super) fn of(view: &RunView, links: &dyn Links, now: Timestamp) -> Self {
        let status = TaskStatus::from(view.run.status());
        let images = (status == TaskStatus::Success).then(|| images(view, links, now));
        let error = (status == TaskStatus::Failed).then(|| {
            let reason = view.run.failure().map(|failure| failure.message.clone());
            reason.filter(|reason| !reason.is_empty()).unwrap_or_else(|| "Generation failed.".to_owned())
        });
        Task { task_id: view.run_id.hex(), status, images, error }
    }
}

/// What was delivered. Tasks of this dialect are private, so the addresses are signed.
fn images(view: &RunView, links: &dyn Links, now: Timestamp) -> Vec<String> {
    let shown = view.creations.iter().filter(|one| !one.creation.is_deleted() && !one.creation.is_hidden());
    shown
        .filter_map(|one| match one.creation.output() {
            Some(Output::Asset { key, .. }) => Some(links.signed(key, now)),
            Some(Output::Text { .. }) | None => None,
        })
        .collect()
}

/// Query Task
///
/// Checks a task's status and, once it has succeeded, gives its images.
#[utoipa::path(
    get,
    path = "/api/v1/tasks/{task_id}",
    tag = "Tasks",
    params(("task_id" = String, Path, description = "The id that the submission answered.")),
    responses((status = 200, description = "The task.", body = Task)),
)]
pub(super) async fn task(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(task_id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::RunsRead)?;
    let not_found = || Problem::not_found("Task");
    let run_id: RunId = task_id.parse().map_err(|_| not_found())?;
    let view = state.core.run_view(caller.account, run_id).await.map_err(|refusal| match refusal {
        Refusal::NotFound(_) => not_found(),
        other => other.into(),
    })?;
    let task = Task::of(&view, &*state.core.links, state.core.now());
    Ok((LogPosition::read(view.run_id.shard(), view.as_of), Json(task)))
}
