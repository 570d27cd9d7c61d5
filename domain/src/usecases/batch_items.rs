//! Items of a batch: each becomes a run when its turn comes, at the price of its batch's acceptance.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::accept_run::{Judged, WorkflowRef};
use super::batches::{BatchItemRequest, stop};
use super::conclude_run::release_if_ended;
use super::core::Core;
use super::item_packs::JudgedItem;
use super::prepared::Prepared;
use super::refusal::Refusal;
use super::submission::{SubmitPlan, runner};
use crate::account::{Account, Scope};
use crate::batch::{Batch, BatchCommand, BatchError, CreatedBatch};
use crate::catalog::Checked;
use crate::creation::{Creation, Privacy};
use crate::es::StreamRef;
use crate::ids::{BatchId, CreationId, RunId, SealedId};
use crate::money::Quote;
use crate::ports::IntegerKind;
use crate::run::{CreationRef, Inputs, ItemRef, RequestedRun, Run};
use crate::wallet::{CreditWallet, WalletCommand};

/// What an attempt to start the next item came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemStart {
    /// It is a run now, and the dispatcher has it.
    Started {
        /// The item.
        index: u32,
        /// Its run.
        run: RunId,
    },
    /// It can never start (its inputs were erased) and counts as failed.
    Dropped {
        /// The item.
        index: u32,
    },
    /// As many run as may, or none waits.
    NothingToStart,
    /// The batch has ended.
    Ended,
}

/// An item's inputs and what was judged of them when its batch was accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenedItem {
    /// Prompt and addresses.
    pub inputs: Inputs,
    /// What was asked of its model, every default filled in.
    pub parameters: Checked,
    /// The workflow, where it is a run of one.
    pub workflow: Option<String>,
}

impl From<JudgedItem> for OpenedItem {
    fn from(item: JudgedItem) -> Self {
        let PlannedItem { parameters, workflow, .. } = item.plan;
        OpenedItem { inputs: item.inputs, parameters, workflow }
    }
}

/// An item as it was judged and priced when its batch was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlannedItem {
    parameters: Checked,
    pub quote: Quote,
    provider: String,
    provider_model: String,
    model_alias: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generator: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    preference: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    preference_two: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workflow: Option<String>,
    private: bool,
    route: String,
    operation: String,
}

impl PlannedItem {
    pub fn new(request: &BatchItemRequest, judged: Judged, route: &str) -> Self {
        PlannedItem {
            parameters: judged.parameters,
            quote: judged.quote,
            provider: judged.provider,
            provider_model: judged.provider_model,
            model_alias: request.model.clone(),
            generator: request.generator.clone(),
            preference: request.preference.clone(),
            preference_two: request.preference_two.clone(),
            workflow: request.workflow.as_ref().map(|workflow| workflow.key.clone()),
            private: request.privacy == Privacy::Private,
            route: route.to_owned(),
            operation: request.operation.clone(),
        }
    }
}

impl Core {
    /// Opens items of a batch, each named by the sealed text that holds it and by its index. Absent from the
    /// answer: those whose owner was erased.
    pub async fn open_items(&self, items: &[(SealedId, u32)]) -> Result<HashMap<u32, OpenedItem>, Refusal> {
        let judged = self.open_judged(items).await?;
        Ok(judged.into_iter().map(|(index, item)| (index, item.into())).collect())
    }

    /// Starts the next item that may start: item, its part of the hold, its run and its creations in
    /// one append. Whoever calls it keeps calling until there is nothing to start.
    pub async fn start_batch_item(&self, batch_id: BatchId) -> Result<ItemStart, Refusal> {
        let batch = self.batch_state(batch_id).await?;
        let Some(created) = batch.created() else { return Err(Refusal::NotFound("batch")) };
        let (Some(index), false) = (batch.next_startable(), batch.status().is_ended()) else {
            return Ok(if batch.status().is_ended() { ItemStart::Ended } else { ItemStart::NothingToStart });
        };
        let sealed = created.items.get(index as usize).copied().ok_or(Refusal::NotFound("batch"))?;
        let started = match self.open_judged(&[(sealed, index)]).await?.remove(&index) {
            Some(item) => self.start_item(batch_id, created, index, item).await,
            None => self.drop_item(batch_id, created, index).await,
        };
        match started {
            // Somebody else was first, or the batch was stopped meanwhile: the next look tells.
            Err(Refusal::Batch(
                BatchError::Saturated { .. } | BatchError::Cancelling | BatchError::ItemPast { .. },
            )) => Ok(ItemStart::NothingToStart),
            Err(Refusal::Batch(BatchError::Ended(_))) => Ok(ItemStart::Ended),
            other => other,
        }
    }

    async fn start_item(
        &self,
        batch_id: BatchId,
        created: &CreatedBatch,
        index: u32,
        item: JudgedItem,
    ) -> Result<ItemStart, Refusal> {
        let (account, wallet) = (created.account, created.payer.wallet);
        let prepared = self.prepare_item(batch_id, created, index, item).await?;
        let (run, provider) = (prepared.run_id, prepared.template.provider.clone());
        let amount = prepared.template.quote.amount;
        let slot = self.dispatch.reserve(&provider, account);
        let plan = slot
            .as_ref()
            .map(|slot| SubmitPlan { node: slot.node().to_owned(), submit_by: slot.submit_by(self.now()) });
        let decision = self
            .request(batch_id.shard(), runner(run), account)
            .stream(StreamRef::of::<Account>(account))
            .stream(StreamRef::of::<CreditWallet>(wallet))
            .stream(StreamRef::of::<Batch>(batch_id))
            .stream(StreamRef::of::<Run>(run));
        let creations = prepared.template.creations.clone();
        let decision = creations
            .iter()
            .fold(decision, |decision, creation| decision.stream(StreamRef::of::<Creation>(Uuid::from(creation.id))));
        let (started, _) = self
            .decide(decision, move |unit| {
                let at = unit.now();
                let owner = unit.state::<Account>(account);
                let user_id = owner.user_id().unwrap_or_default();
                if owner.suspended().is_some() || owner.is_erased() {
                    // Who may not act starts nothing more.
                    stop(unit, batch_id, wallet, "operator".to_owned())?;
                    return Ok(None);
                }
                if unit.state::<Run>(run).requested().is_some() {
                    return Err(BatchError::ItemPast { index }.into());
                }
                unit.execute::<Batch>(batch_id, BatchCommand::StartItem { index, run })?;
                let split = WalletCommand::Split { batch: batch_id, run, amount, at };
                unit.execute::<CreditWallet>(wallet, split)?;
                Prepared { user_id, ..prepared.clone() }.open(unit, plan.clone())?;
                Ok(Some(unit.state::<Batch>(batch_id).status()))
            })
            .await?;
        match started {
            Some(_) => {
                self.dispatch.accepted(run, account, &provider, slot);
                Ok(ItemStart::Started { index, run })
            }
            None => Ok(ItemStart::NothingToStart),
        }
    }

    /// Counts the next item as failed, for whoever could not start it time and again.
    pub async fn drop_next_item(&self, batch_id: BatchId) -> Result<ItemStart, Refusal> {
        let batch = self.batch_state(batch_id).await?;
        match (batch.created(), batch.next_startable()) {
            (Some(created), Some(index)) => self.drop_item(batch_id, created, index).await,
            (Some(_), None) => Ok(ItemStart::NothingToStart),
            (None, _) => Err(Refusal::NotFound("batch")),
        }
    }

    /// Counts an item as failed that can never start.
    pub(crate) async fn drop_item(
        &self,
        batch_id: BatchId,
        created: &CreatedBatch,
        index: u32,
    ) -> Result<ItemStart, Refusal> {
        let wallet = created.payer.wallet;
        let decision = self
            .request(batch_id.shard(), runner(RunId::of_item(batch_id, index)), created.account)
            .stream(StreamRef::of::<CreditWallet>(wallet))
            .stream(StreamRef::of::<Batch>(batch_id));
        self.decide(decision, move |unit| {
            let at = unit.now();
            // Refused where another process has started it meanwhile: that run says how it ended.
            unit.execute::<Batch>(batch_id, BatchCommand::DropItem { index })?;
            release_if_ended(unit, batch_id, wallet, at)
        })
        .await?;
        Ok(ItemStart::Dropped { index })
    }

    async fn prepare_item(
        &self,
        batch_id: BatchId,
        created: &CreatedBatch,
        index: u32,
        JudgedItem { inputs, plan: item }: JudgedItem,
    ) -> Result<Prepared, Refusal> {
        let shard = batch_id.shard();
        let count = item.parameters.count as usize;
        let numbers = self.integers.take(IntegerKind::Creation, shard, count).await?;
        let creations =
            numbers.into_iter().map(|number| CreationRef { id: CreationId::numbered(shard, number), number }).collect();
        let text = serde_json::to_vec(&inputs).unwrap_or_default();
        let sealed = self.vault.seal(created.account.0, SealedId(self.new_id(shard)), &text).await?;
        let workflow = item.workflow.clone().map(|key| WorkflowRef { key, revises: None });
        let template = RequestedRun {
            account: created.account,
            payer: created.payer,
            team: created.payer.team,
            key_id: created.key_id,
            client_id: created.client_id.clone(),
            surface: created.surface,
            route: item.route,
            operation: item.operation,
            request_id: created.request_id.clone(),
            fingerprint: None,
            parameters: item.parameters,
            model_alias: item.model_alias,
            generator: item.generator,
            preference: item.preference,
            preference_two: item.preference_two,
            project: self.project_of(workflow.as_ref(), RunId::of_item(batch_id, index)),
            workflow: item.workflow,
            inputs: sealed.id,
            quote: item.quote,
            creations,
            item: Some(ItemRef { batch: batch_id, index }),
            provider: item.provider,
            provider_model: item.provider_model,
            private: item.private,
            at: self.now(),
        };
        Ok(Prepared {
            run_id: RunId::of_item(batch_id, index),
            template,
            sealed,
            user_id: 0,
            privacy: if item.private { Privacy::Private } else { Privacy::Public },
            scope: Scope::BatchesWrite,
        })
    }
}
