//! Runs of workflows: the product page that one names is read before the model is asked, and what the
//! model answers is judged and put together before anything is delivered.

use mintmark_domain::catalog::{Assembly, Workflow};
use mintmark_domain::ports::PageJob;
use mintmark_domain::project::Stage;
use mintmark_domain::run::{FailureReason, Inputs};
use mintmark_domain::usecases::{Delivery, DeliveryContent};
use serde_json::{Map, Value};

use super::deliver::failed;
use super::execute::{Carried, Step, say};
use super::job::Draft;

/// Reads the product page that the workflow was given. Errors: why the run fails, at no cost.
pub(super) async fn with_product(carried: &Carried<'_>, mut draft: Draft) -> Result<Draft, FailureReason> {
    if let Some(page) = page_of(carried, &draft.inputs) {
        let read = carried.engine.products.read(&page).await?;
        // Kept for the output; whoever takes over after a crash reads it again, mostly from the cache.
        let _ = carried.product.set(read.product.clone());
        draft.product = Some(read);
    }
    Ok(draft)
}

fn page_of(carried: &Carried<'_>, inputs: &Inputs) -> Option<PageJob> {
    let requested = &carried.requested;
    requested.workflow.as_ref()?;
    Some(PageJob { account: requested.account, url: inputs.page.clone()? })
}

/// What the model answered, as the workflow's output. An answer that breaks its schema delivers nothing.
pub(super) async fn delivered(carried: &Carried<'_>, answer: Map<String, Value>) -> Step<Delivery> {
    let key = carried.requested.workflow.as_deref().unwrap_or_default();
    let Some(workflow) = carried.engine.core.catalog.workflow(key) else {
        return Ok(Err(failed("The workflow is no longer offered.")));
    };
    if let Err(problem) = workflow.check_answer(&answer) {
        tracing::warn!(run = %carried.run, workflow = key, %problem, "an answer breaks its schema");
        return Ok(Err(failed("The model's answer did not have the form that it should.")));
    }
    let Some(inputs) = inputs(carried).await? else {
        return Ok(Err(failed("The inputs of this run no longer exist.")));
    };
    let product = product(carried, &inputs).await;
    Ok(assembled(carried, workflow, &inputs, product.as_ref(), answer))
}

fn assembled(
    carried: &Carried<'_>,
    workflow: &Workflow,
    inputs: &Inputs,
    product: Option<&Map<String, Value>>,
    answer: Map<String, Value>,
) -> Delivery {
    let nothing = Map::new();
    let fields = inputs.fields.as_ref().unwrap_or(&nothing);
    let project = carried.requested.project.map(|project| project.to_string());
    let stages = Stage::ALL.into_iter().filter_map(|stage| Some((stage, answer.get(stage.as_str())?.clone())));
    let stages: Vec<(Stage, Value)> = if project.is_some() { stages.collect() } else { Vec::new() };
    match workflow.assemble(Assembly { fields, product, answer, project }) {
        Ok(fields) if stages.is_empty() => Ok(DeliveryContent::Text(fields)),
        Ok(fields) => Ok(DeliveryContent::Planned { fields, stages }),
        Err(problem) => {
            tracing::warn!(run = %carried.run, workflow = workflow.key, %problem, "an output breaks its schema");
            Err(failed("The workflow's output did not have the form that it should."))
        }
    }
}

/// What was given; `None` once its owner was erased.
async fn inputs(carried: &Carried<'_>) -> Step<Option<Inputs>> {
    let (core, sealed) = (&carried.engine.core, carried.requested.inputs);
    let opened = say(carried.engine, carried.run, || async { Ok(core.vault.open(&[sealed]).await?) }).await?;
    Ok(opened.get(&sealed).and_then(|text| serde_json::from_slice(text).ok()))
}

/// The product that the model was told of, if any: a page that cannot be read again leaves what was said.
async fn product(carried: &Carried<'_>, inputs: &Inputs) -> Option<Map<String, Value>> {
    if let Some(known) = carried.product.get() {
        return Some(known.clone());
    }
    let page = page_of(carried, inputs)?;
    match carried.engine.products.read(&page).await {
        Ok(read) => Some(read.product),
        Err(reason) => {
            tracing::warn!(run = %carried.run, code = reason.code, "a product page could not be read again");
            None
        }
    }
}
