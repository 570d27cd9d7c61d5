//! Projects: what a storyboard run planned, shown to its owner, and what the owner says of it.

use serde_json::{Map, Value};

use super::accept_run::{Accepted, IdempotencyKey};
use super::authenticate::Caller;
use super::core::Core;
use super::refusal::Refusal;
use super::run_view::open_json;
use super::workflows::WorkflowRequest;
use crate::account::{Account, Scope};
use crate::es::{Confirmed, SealedText, StreamRef};
use crate::ids::{AccountId, ProjectId, SealedId};
use crate::project::{Project, ProjectCommand, ProjectError, ProjectStatus, Stage};
use crate::run::Inputs;

/// The longest comment, in Unicode scalars.
const COMMENT_CHARS_MAX: usize = 4_000;

/// A stage as its owner sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct StageView {
    /// Which.
    pub stage: Stage,
    /// What it says; `None` once its owner was erased.
    pub output: Option<Value>,
}

/// A project as its owner sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectView {
    /// Which.
    pub project_id: ProjectId,
    /// Its state.
    pub project: Project,
    /// What the run that opened it was given.
    pub fields: Map<String, Value>,
    /// Its stages, in order.
    pub stages: Vec<StageView>,
    /// What was last wanted otherwise.
    pub comment: Option<String>,
}

impl Core {
    /// A project of the account's. Errors: not found, or somebody else's, which is the same to the caller.
    pub async fn project_view(&self, account: AccountId, project_id: ProjectId) -> Result<ProjectView, Refusal> {
        let project = self.load::<Project>(project_id).await?;
        if project.account() != Some(account) {
            return Err(Refusal::NotFound("project"));
        }
        let outputs = project.stages().iter().map(|made| made.output);
        let sealed: Vec<SealedId> = outputs.chain(project.inputs()).chain(project.comment()).collect();
        let mut opened = open_json(&*self.vault, sealed).await?;
        let stage = |made: &crate::project::StageMade, output| StageView { stage: made.stage, output };
        let made = project.stages().to_vec();
        let stages = made.iter().map(|made| stage(made, opened.remove(&made.output))).collect();
        let inputs = project.inputs().and_then(|id| opened.remove(&id));
        let inputs: Inputs = inputs.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default();
        let comment = project.comment().and_then(|id| opened.remove(&id));
        let comment = comment.and_then(|comment| comment.as_str().map(str::to_owned));
        Ok(ProjectView { project_id, project, fields: inputs.fields.unwrap_or_default(), stages, comment })
    }

    /// Its owner approves the storyboard. Said again it changes nothing. Errors: it is not waiting for
    /// approval.
    pub async fn approve_storyboard(&self, caller: &Caller, project: ProjectId) -> Result<Confirmed, Refusal> {
        let by = caller.account.to_string();
        self.say_of(caller, project, None, move |at| ProjectCommand::Approve { by: by.clone(), at }).await
    }

    /// Its owner gives the project up. Said again it changes nothing. Errors: it was approved.
    pub async fn reject_project(&self, caller: &Caller, project: ProjectId) -> Result<Confirmed, Refusal> {
        let by = caller.account.to_string();
        self.say_of(caller, project, None, move |at| ProjectCommand::Reject { by: by.clone(), at }).await
    }

    /// Its owner wants the storyboard otherwise; [`Core::revise_storyboard`] has it planned anew. Errors:
    /// a comment that is blank or too long; it is not waiting for approval.
    pub async fn request_changes(
        &self,
        caller: &Caller,
        project: ProjectId,
        comment: &str,
    ) -> Result<Confirmed, Refusal> {
        if comment.trim().is_empty() || comment.chars().count() > COMMENT_CHARS_MAX {
            return Err(Refusal::field("comment", format!("must have 1 to {COMMENT_CHARS_MAX} characters")));
        }
        let id = SealedId(self.new_id(project.shard()));
        let text = serde_json::to_vec(comment).unwrap_or_default();
        let sealed = self.vault.seal(caller.account.0, id, &text).await?;
        let by = caller.account.to_string();
        let command = move |at| ProjectCommand::RequestChanges { comment: id, by: by.clone(), at };
        self.say_of(caller, project, Some(sealed), command).await
    }

    /// Accepts a run that plans the project anew, with what was wanted otherwise, at the price of its
    /// workflow. Errors: no changes are asked for; whatever [`Core::run_workflow`] refuses.
    pub async fn revise_storyboard(
        &self,
        caller: &Caller,
        project: ProjectId,
        route: String,
        idempotency: Option<IdempotencyKey>,
    ) -> Result<Accepted, Refusal> {
        let view = self.project_view(caller.account, project).await?;
        let comment = match (view.project.status(), view.comment) {
            (ProjectStatus::ChangesRequested, Some(comment)) => comment,
            // What was accepted before under this key stays found, however far the project has come.
            (status, _) => {
                let refusal = Refusal::Project(ProjectError::NotNow(status));
                return self.replay(caller, idempotency.as_ref()).await?.ok_or(refusal);
            }
        };
        let key = self.workflow_of(&view.project).await?;
        let revises = Some((project, comment));
        self.run_workflow(caller, WorkflowRequest { key, fields: view.fields, revises, route, idempotency }).await
    }

    /// The workflow that made a project.
    async fn workflow_of(&self, project: &Project) -> Result<String, Refusal> {
        let run = project.run().ok_or(Refusal::NotFound("project"))?;
        let run = self.run_state(run).await?;
        let workflow = run.requested().and_then(|requested| requested.workflow.clone());
        workflow.ok_or(Refusal::NotFound("workflow"))
    }

    async fn say_of(
        &self,
        caller: &Caller,
        project: ProjectId,
        sealed: Option<SealedText>,
        command: impl Fn(crate::Timestamp) -> ProjectCommand + Send + 'static,
    ) -> Result<Confirmed, Refusal> {
        caller.require(Scope::WorkflowsWrite)?;
        let (account, by) = (caller.account, caller.acts_with.clone());
        if project.shard() != account.shard() {
            return Err(Refusal::NotFound("project"));
        }
        let request = self
            .request(project.shard(), caller.acting(), account)
            .stream(StreamRef::of::<Account>(account))
            .stream(StreamRef::of::<Project>(project))
            .carrying(sealed.as_ref().map_or(0, |text| text.ciphertext.len()));
        let ((), confirmed) = self
            .decide(request, move |unit| {
                unit.state::<Account>(account).authorize(&by, Scope::WorkflowsWrite)?;
                if unit.state::<Project>(project).account() != Some(account) {
                    return Err(Refusal::NotFound("project"));
                }
                let at = unit.now();
                unit.execute::<Project>(project, command(at))?;
                if let Some(sealed) = &sealed {
                    unit.seal(sealed.clone());
                }
                Ok(())
            })
            .await?;
        Ok(confirmed)
    }
}
