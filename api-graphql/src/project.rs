//! Projects: what storyboard runs planned, and what their owner says of it.

use async_graphql::{Context, Enum, ID, Json, Object, SimpleObject};
use chrono::{DateTime, Utc};
use futures::future::join_all;
use mintmark_domain::es::Confirmed;
use mintmark_domain::ids::ProjectId;
use mintmark_domain::project::ProjectStatus;
use mintmark_domain::run::RunStatus;
use mintmark_domain::usecases::{IdempotencyKey, ProjectView, Refusal};
use mintmark_projections::generation::RunFilter;
use mintmark_projections::{Order, Place, ProjectionName, Walk};

use crate::error::{GraphqlError, Result};
use crate::fresh::fresh;
use crate::input::check_text;
use crate::paging;
use crate::state::ContextExt as _;

/// Where a project stands.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "ProjectStatus")]
pub(crate) enum Status {
    /// The storyboard waits for its owner.
    NeedsApproval,
    /// The storyboard is to be made anew.
    ChangesRequested,
    /// The storyboard is approved.
    Approved,
    /// It was given up.
    Rejected,
}

/// A stage of a project.
#[derive(SimpleObject)]
pub(crate) struct ProjectStage {
    /// `brief`, `brand_kit`, `script`, `shot_list` or `storyboard`.
    name: &'static str,
    /// What it says; null once its owner was erased.
    output: Option<Json<serde_json::Value>>,
}

/// What a storyboard run planned.
pub(crate) struct Project(pub ProjectView);

/// What a storyboard run planned, and where its owner has taken it.
#[Object]
impl Project {
    /// `proj_` and 32 hex digits.
    async fn id(&self) -> ID {
        self.0.project_id.to_string().into()
    }

    /// Where it stands.
    async fn status(&self) -> Status {
        match self.0.project.status() {
            ProjectStatus::None | ProjectStatus::NeedsApproval => Status::NeedsApproval,
            ProjectStatus::ChangesRequested => Status::ChangesRequested,
            ProjectStatus::Approved => Status::Approved,
            ProjectStatus::Rejected => Status::Rejected,
        }
    }

    /// `storyboard` until that is approved, then `production`.
    async fn current_stage(&self) -> &'static str {
        self.0.project.status().stage_and_next().0
    }

    /// `approve_storyboard`, `revise_storyboard`, `produce_shots` or `none`.
    async fn next_action(&self) -> &'static str {
        self.0.project.status().stage_and_next().1
    }

    /// What it is called, where that was said.
    async fn title(&self) -> Option<&str> {
        self.0.fields.get("title")?.as_str()
    }

    /// What it is to be.
    async fn prompt(&self) -> Option<&str> {
        self.0.fields.get("prompt")?.as_str()
    }

    /// How often it was planned.
    async fn revision(&self) -> u32 {
        self.0.project.revision()
    }

    /// The run that planned it last.
    async fn run_id(&self) -> Option<ID> {
        self.0.project.run().map(|run| run.to_string().into())
    }

    /// Its stages as they were planned last, in order.
    async fn stages(&self) -> Vec<ProjectStage> {
        let stages = self.0.stages.iter();
        stages.map(|made| ProjectStage { name: made.stage.as_str(), output: made.output.clone().map(Json) }).collect()
    }

    /// What was last wanted otherwise.
    async fn comment(&self) -> Option<&str> {
        self.0.comment.as_deref()
    }

    /// When it was opened.
    async fn created_at(&self) -> Option<DateTime<Utc>> {
        self.0.project.times().map(|(opened, _)| opened)
    }

    /// When anything of it last changed.
    async fn updated_at(&self) -> Option<DateTime<Utc>> {
        self.0.project.times().map(|(_, changed)| changed)
    }
}

/// How many stretches of runs are looked at for one page: a page of an account whose runs mostly planned anew
/// may be shorter than was asked for, and goes on at its cursor.
const STRETCHES_MAX: usize = 5;

/// A page of projects.
#[derive(SimpleObject)]
pub(crate) struct ProjectPage {
    /// The projects, the newest first.
    nodes: Vec<Project>,
    /// Give it as `after` to go on; null where none follow.
    end_cursor: Option<String>,
}

fn parse(id: &ID) -> Result<ProjectId> {
    id.parse().map_err(|_| GraphqlError::from(Refusal::NotFound("project")))
}

/// One project of the caller's; none if there is none, or it is somebody else's.
pub(crate) async fn project(ctx: &Context<'_>, id: &ID) -> Result<Option<Project>> {
    let Ok(id) = parse(id) else { return Ok(None) };
    match ctx.core().project_view(ctx.caller()?.account, id).await {
        Ok(view) => Ok(Some(Project(view))),
        Err(Refusal::NotFound(_)) => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

/// The caller's projects: those that its runs of workflows which make one have opened.
pub(crate) async fn projects(ctx: &Context<'_>, first: Option<i32>, after: Option<String>) -> Result<ProjectPage> {
    let (first, mut walk) = paging::page(first, after)?;
    let (core, account) = (ctx.core(), ctx.caller()?.account);
    let wanted = usize::try_from(first).unwrap_or_default();
    let makers = core.catalog.workflows().find(|workflow| workflow.makes_project());
    let capability = makers.map(mintmark_domain::catalog::Workflow::price_key);
    let filter = RunFilter { capability, statuses: vec![RunStatus::Succeeded], ..RunFilter::default() };
    let (mut nodes, mut end_cursor) = (Vec::new(), None);
    fresh(ctx, &[ProjectionName::Generation]).await?;
    // Runs that planned one anew opened none: the walk goes on until the page is full, or long enough.
    for _ in 0..STRETCHES_MAX {
        if nodes.len() >= wanted {
            break;
        }
        let turn = ctx.turn().await;
        let stretch = ctx.reads().run_walk(account, &filter, Order::Newest, &walk, first).await?;
        drop(turn);
        let (mut last, mut opened): (Option<Place>, Vec<ProjectId>) = (None, Vec::new());
        for (place, run) in &stretch.items {
            if nodes.len() + opened.len() == wanted {
                break;
            }
            last = Some(*place);
            opened.extend(run.request.project.filter(|project| *project == ProjectId::of_run(run.id)));
        }
        // As many at once as may be: states that are asked for together are read together.
        let view = async |project| {
            let _turn = ctx.turn().await;
            core.project_view(account, project).await
        };
        for view in join_all(opened.into_iter().map(view)).await {
            match view {
                Ok(view) => nodes.push(Project(view)),
                Err(Refusal::NotFound(_)) => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
        let Some(last) = last else { break };
        let all_seen = stretch.items.last().is_some_and(|(place, _)| *place == last) && !stretch.has_more;
        let cursor = stretch.cursor(last);
        end_cursor = (!all_seen).then(|| cursor.clone());
        if all_seen {
            break;
        }
        walk =
            Walk::from_token(&cursor).map_err(|_| GraphqlError::argument("after", "must be a cursor of this list"))?;
    }
    Ok(ProjectPage { nodes, end_cursor })
}

/// What an owner says of a storyboard.
pub(crate) enum Said {
    Approved,
    Rejected,
    ChangesRequested(String),
}

/// Says it, and answers with the project as it then stands.
pub(crate) async fn say(ctx: &Context<'_>, id: &ID, said: Said) -> Result<Project> {
    let (core, caller, id) = (ctx.core(), ctx.caller()?, parse(id)?);
    let _: Confirmed = match said {
        Said::Approved => core.approve_storyboard(caller, id).await?,
        Said::Rejected => core.reject_project(caller, id).await?,
        Said::ChangesRequested(comment) => {
            check_text("comment", &comment)?;
            core.request_changes(caller, id, &comment).await?
        }
    };
    Ok(Project(core.project_view(caller.account, id).await?))
}

/// Has it planned anew; what was accepted, and the project's id.
pub(crate) async fn revise(
    ctx: &Context<'_>,
    id: &ID,
    idempotency_key: Option<String>,
) -> Result<mintmark_domain::usecases::Accepted> {
    let (core, caller, id) = (ctx.core(), ctx.caller()?, parse(id)?);
    let path = format!("reviseStoryboard/{id}");
    let key = |key| IdempotencyKey { key, method: "MUTATION".into(), path, body: id.0.as_bytes().to_vec() };
    let route = "mutation reviseStoryboard".to_owned();
    Ok(core.revise_storyboard(caller, id, route, idempotency_key.map(key)).await?)
}
