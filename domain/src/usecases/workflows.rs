//! Runs of workflows, and of product pages: what has no model that the caller names.

use serde_json::{Map, Value};

use super::accept_run::{Accepted, IdempotencyKey, Judged, RunRequest, WorkflowRef};
use super::authenticate::Caller;
use super::batches::BatchItemRequest;
use super::core::Core;
use super::refusal::Refusal;
use crate::account::Scope;
use crate::catalog::{Ask, Capability, Checked, Dialect, Mode, Workflow};
use crate::creation::Privacy;
use crate::ids::{ProjectId, RunId};
use crate::run::Inputs;

/// What is asked of a workflow.
#[derive(Clone, Debug)]
pub struct WorkflowRequest {
    /// Its key.
    pub key: String,
    /// The fields as they were sent.
    pub fields: Map<String, Value>,
    /// The project that it plans anew, and what is wanted otherwise.
    pub revises: Option<(ProjectId, String)>,
    /// Method and path template: `POST /v1/workflows/{workflowKey}/runs`.
    pub route: String,
    /// The key under which it may be said again.
    pub idempotency: Option<IdempotencyKey>,
}

/// A product page to be read.
#[derive(Clone, Debug)]
pub struct ExtractionRequest {
    /// Its address.
    pub url: String,
    /// Method and path template: `POST /v1/products/extract`.
    pub route: String,
    /// The key under which it may be said again.
    pub idempotency: Option<IdempotencyKey>,
}

/// The operation of reading a product page; its price stands under its capability.
pub(super) const EXTRACTION: &str = "products.extract.create";
/// The name of the field of what a project's owner wants otherwise; only its workflow's template has it.
const REQUESTED_CHANGES: &str = "requested_changes";

/// A workflow's input, judged.
struct Given {
    workflow: WorkflowRef,
    model: String,
    ask: Ask,
    inputs: Inputs,
    operation: String,
}

impl Core {
    /// The workflow of that key. Errors: there is none.
    pub fn workflow(&self, key: &str) -> Result<&Workflow, Refusal> {
        self.catalog.workflow(key).ok_or(Refusal::NotFound("workflow"))
    }

    /// Accepts a run of a workflow, at the workflow's price. Errors: no such workflow, a field that it
    /// does not take; whatever [`Core::accept_run`] refuses.
    pub async fn run_workflow(&self, caller: &Caller, request: WorkflowRequest) -> Result<Accepted, Refusal> {
        caller.require(Scope::WorkflowsWrite)?;
        let WorkflowRequest { key, fields, revises, route, idempotency } = request;
        let given = match self.given(&key, &fields, revises) {
            Ok(given) => given,
            // A run that was accepted before stays found, whatever the workflow takes by now.
            Err(refusal) => return self.replay(caller, idempotency.as_ref()).await?.ok_or(refusal),
        };
        let run = RunRequest {
            team: None,
            dialect: Dialect::Native,
            model: given.model,
            ask: given.ask,
            inputs: given.inputs,
            generator: None,
            preference: None,
            preference_two: None,
            privacy: Privacy::Private,
            route,
            operation: given.operation,
            scope: Scope::WorkflowsWrite,
            workflow: Some(given.workflow),
            idempotency,
        };
        self.accept_run(caller, run).await
    }

    /// A batch's item that is a run of a workflow. Errors: no such workflow, a field that it does not
    /// take.
    pub fn workflow_item(&self, key: &str, fields: &Map<String, Value>) -> Result<BatchItemRequest, Refusal> {
        let given = self.given(key, fields, None)?;
        Ok(BatchItemRequest {
            dialect: Dialect::Native,
            model: given.model,
            ask: given.ask,
            inputs: given.inputs,
            generator: None,
            preference: None,
            preference_two: None,
            privacy: Privacy::Private,
            workflow: Some(given.workflow),
            operation: given.operation,
        })
    }

    /// Accepts a run that reads a product page. Errors: an address that must not be reached; whatever
    /// [`Core::accept_run`] refuses.
    pub async fn extract_product(&self, caller: &Caller, request: ExtractionRequest) -> Result<Accepted, Refusal> {
        caller.require(Scope::ProductsWrite)?;
        if let Some(key) = &request.idempotency {
            key.check()?;
        }
        let judged = self.judge_extraction();
        let run = RunRequest {
            team: None,
            dialect: Dialect::Native,
            model: String::new(),
            ask: Ask::default(),
            inputs: Inputs { page: Some(request.url), ..Inputs::default() },
            generator: None,
            preference: None,
            preference_two: None,
            privacy: Privacy::Private,
            route: request.route,
            operation: EXTRACTION.to_owned(),
            scope: Scope::ProductsWrite,
            workflow: None,
            idempotency: request.idempotency,
        };
        self.accept_judged(caller, run, judged).await
    }

    fn given(
        &self,
        key: &str,
        fields: &Map<String, Value>,
        revises: Option<(ProjectId, String)>,
    ) -> Result<Given, Refusal> {
        let workflow = self.workflow(key)?;
        let mut fields = workflow.judge(fields)?;
        let (revises, changes) = revises.unzip();
        if let Some(changes) = changes {
            fields.insert(REQUESTED_CHANGES.to_owned(), changes.into());
        }
        let told = workflow.render(&fields, None);
        let page = workflow.page_of(&fields).map(str::to_owned);
        Ok(Given {
            workflow: WorkflowRef { key: workflow.key.clone(), revises },
            model: workflow.model.clone(),
            ask: Ask::prompt(Ask::length_of(&told)),
            inputs: Inputs { prompt: workflow.topic(&fields), page, fields: Some(fields), ..Inputs::default() },
            operation: workflow.operation(),
        })
    }

    /// The project that a run opens or plans anew.
    pub(super) fn project_of(&self, workflow: Option<&WorkflowRef>, run: RunId) -> Option<ProjectId> {
        let named = workflow?;
        let makes = self.catalog.workflow(&named.key).is_some_and(Workflow::makes_project);
        makes.then(|| named.revises.unwrap_or_else(|| ProjectId::of_run(run)))
    }

    fn judge_extraction(&self) -> Result<Judged, Refusal> {
        let unavailable = || Refusal::ModelUnavailable { model: EXTRACTION.to_owned() };
        let capability = Capability::ProductExtraction;
        let route = self.catalog.route_of(capability).ok_or_else(unavailable)?;
        let book = self.catalog.prices().at(self.now()).ok_or_else(unavailable)?;
        Ok(Judged {
            parameters: Checked::without_model(capability, Mode::TextToOutput),
            quote: book.quote_operation(capability.as_str())?,
            provider: route.provider.clone(),
            provider_model: String::new(),
        })
    }
}
