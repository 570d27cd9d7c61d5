//! Reads a batch's body: each item as the endpoint of its operation reads it.

use mintmark_domain::account::Scope;
use mintmark_domain::batch::{Batch, BatchMode};
use mintmark_domain::catalog::{Catalog, Dialect};
use mintmark_domain::creation::Privacy;
use mintmark_domain::usecases::{BatchItemRequest, BatchRequest, Core, IdempotencyKey, Refusal};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::super::asked::{Asked, Operation, unsupported};
use super::super::images::{self, IMAGES};
use super::super::submit::Reader;
use super::super::videos::{self, VIDEOS};
use super::super::workflows;
use crate::http::{Problem, typed};

/// How many items run at once where nobody says.
const CONCURRENCY_DEFAULT: i64 = 2;
/// After how many items others get a turn.
const BREATHE_EVERY: usize = 64;
/// Method and path of the route, as runs and batches record it.
pub(super) const ROUTE: &str = "POST /v1/batches";

/// The operations that can be batched.
const OPERATIONS: [(&Operation, Reader); 2] = [(&IMAGES, images::read), (&VIDEOS, videos::read)];

/// What a batch's items are runs of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A workflow of `GET /workflows`.
    Workflow,
    /// One of the generation operations.
    Operation,
}

/// A request for a batch.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct BatchCreateRequest {
    /// Whether the items are runs of a workflow or of an operation.
    pub mode: Mode,
    /// The operation, `images.generations.create` or `videos.generations.create`; or the workflow's key.
    #[schema(examples("images.generations.create"))]
    pub target: String,
    /// How many items may run at once.
    #[schema(default = 2, minimum = 1, maximum = 50)]
    pub concurrency: Option<i64>,
    /// The items, each with the body that its operation or workflow takes.
    #[schema(min_items = 1, max_items = 10000)]
    pub items: Vec<BatchItemInput>,
}

/// One item.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct BatchItemInput {
    /// The body of the operation, or the workflow's input.
    #[schema(value_type = Object)]
    pub input: Map<String, Value>,
}

/// What was read: the request, and what its items are runs of.
pub(super) struct Read {
    pub request: BatchRequest,
    of: Of,
}

/// What the items are runs of.
enum Of {
    /// An operation; for each item the field that its images came from.
    Operation(&'static Operation, Vec<&'static str>),
    /// A workflow; its field that names a product page.
    Workflow(Option<String>),
}

impl Read {
    /// A refusal in the document's words.
    pub fn refused(&self, catalog: &Catalog, refusal: &Refusal) -> Problem {
        match refusal {
            Refusal::Item { index, problem } => {
                let index = *index as usize;
                let problem = match &self.of {
                    Of::Operation(operation, images_fields) => {
                        let field = images_fields.get(index).copied().unwrap_or("image_url");
                        operation.refused(catalog, problem, field)
                    }
                    Of::Workflow(page) => workflows::refused(problem, page.as_deref()),
                };
                at_item(index, problem)
            }
            other => Problem::from(other.clone()),
        }
    }
}

/// Reads a batch. Errors name the field: `items[3].input.aspect_ratio`.
pub(super) async fn read(core: &Core, fields: Map<String, Value>, key: &IdempotencyKey) -> Result<Read, Problem> {
    let asked: BatchCreateRequest = typed(fields)?;
    let concurrency = concurrency(asked.concurrency)?;
    if asked.items.is_empty() || asked.items.len() > Batch::ITEMS_MAX {
        return Err(
            Problem::invalid(format!("items must hold 1 to {} items.", Batch::ITEMS_MAX)).coded("invalid_batch")
        );
    }
    let (mode, (items, of)) = match asked.mode {
        Mode::Operation => (BatchMode::Operation, of_operation(core, &asked.target, asked.items).await?),
        Mode::Workflow => (BatchMode::Workflow, of_workflow(core, &asked.target, asked.items).await?),
    };
    let request = BatchRequest {
        mode,
        target: asked.target,
        concurrency,
        items,
        route: ROUTE.to_owned(),
        scope: Scope::BatchesWrite,
        idempotency: Some(key.clone()),
    };
    Ok(Read { request, of })
}

/// Items that are each a body of an operation.
async fn of_operation(
    core: &Core,
    target: &str,
    inputs: Vec<BatchItemInput>,
) -> Result<(Vec<BatchItemRequest>, Of), Problem> {
    let (operation, reader) = operation(target)?;
    let mut items = Vec::with_capacity(inputs.len());
    let mut images_fields = Vec::with_capacity(inputs.len());
    for (index, item) in inputs.into_iter().enumerate() {
        if index % BREATHE_EVERY == 0 {
            tokio::task::yield_now().await;
        }
        let asked = reader(&core.catalog, item.input).map_err(|problem| at_item(index, problem))?;
        images_fields.push(asked.images_field);
        items.push(item_request(operation, asked));
    }
    Ok((items, Of::Operation(operation, images_fields)))
}

/// Items that are each the fields of a workflow.
async fn of_workflow(
    core: &Core,
    target: &str,
    inputs: Vec<BatchItemInput>,
) -> Result<(Vec<BatchItemRequest>, Of), Problem> {
    let Ok(workflow) = core.workflow(target) else {
        let names: Vec<&str> = core.catalog.workflows().map(|workflow| workflow.key.as_str()).collect();
        let allowed = names.join(", ");
        return Err(unsupported(format!("target cannot be {target:?} of a workflow batch. Allowed: {allowed}.")));
    };
    let page = workflow.product_page.clone();
    let mut items = Vec::with_capacity(inputs.len());
    for (index, item) in inputs.into_iter().enumerate() {
        if index % BREATHE_EVERY == 0 {
            tokio::task::yield_now().await;
        }
        let refused = |refusal: Refusal| at_item(index, workflows::refused(&refusal, page.as_deref()));
        items.push(core.workflow_item(target, &item.input).map_err(refused)?);
    }
    Ok((items, Of::Workflow(page)))
}

fn concurrency(said: Option<i64>) -> Result<u32, Problem> {
    let concurrency = u32::try_from(said.unwrap_or(CONCURRENCY_DEFAULT)).unwrap_or(0);
    if (1..=Batch::CONCURRENCY_MAX).contains(&concurrency) {
        return Ok(concurrency);
    }
    let message = format!("concurrency must be a whole number from 1 to {}.", Batch::CONCURRENCY_MAX);
    Err(Problem::invalid(message).coded("invalid_batch"))
}

fn operation(target: &str) -> Result<(&'static Operation, Reader), Problem> {
    let known = OPERATIONS.iter().find(|(operation, _)| operation.name == target).copied();
    known.ok_or_else(|| {
        let names: Vec<&str> = OPERATIONS.iter().map(|(operation, _)| operation.name).collect();
        unsupported(format!("target cannot be {target:?} of an operation batch. Allowed: {}.", names.join(", ")))
    })
}

fn item_request(operation: &Operation, asked: Asked) -> BatchItemRequest {
    BatchItemRequest {
        dialect: Dialect::Genfire,
        model: asked.model,
        ask: asked.ask,
        inputs: asked.inputs,
        generator: None,
        preference: None,
        preference_two: None,
        // As runs of the single endpoint: their owner's alone.
        privacy: Privacy::Private,
        workflow: None,
        operation: operation.name.to_owned(),
    }
}

/// A problem with an item's input, its field named from the body's beginning.
fn at_item(index: usize, mut problem: Problem) -> Problem {
    let begins = problem.message.split(' ').next().unwrap_or_default();
    let field = begins.trim_end_matches([':', ',']);
    let is_field = field.starts_with(|letter: char| letter.is_ascii_lowercase())
        && field.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_[].".contains(&byte));
    let joint = if is_field { "." } else { ": " };
    problem.message = format!("items[{index}].input{joint}{}", problem.message);
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_the_item_and_its_field() {
        let said = |message: &str| at_item(3, Problem::invalid(message)).message;
        assert_eq!(said("aspect_ratio has a value"), "items[3].input.aspect_ratio has a value");
        assert_eq!(said("image_url: not public."), "items[3].input.image_url: not public.");
        assert_eq!(said("image_urls[0] must be"), "items[3].input.image_urls[0] must be");
        assert_eq!(said("This model is not offered."), "items[3].input: This model is not offered.");
    }
}
