//! Batches: many runs under one hold of their maximum. An item is judged, priced and sealed when the
//! batch is accepted.

use super::accept_run::{IdempotencyKey, Wanted, WorkflowRef};
use super::authenticate::Caller;
use super::batch_items::{OpenedItem, PlannedItem};
use super::conclude_run::release_if_ended;
use super::core::{Core, breathe};
use super::item_packs::{JudgedItem, SealedItems};
use super::judging::Measuring;
use super::refusal::Refusal;
use crate::Credits;
use crate::account::{Account, Scope};
use crate::batch::{Batch, BatchCommand, BatchError, BatchMode, BatchStatus, CreatedBatch};
use crate::catalog::{Ask, Dialect};
use crate::creation::Privacy;
use crate::es::{Confirmed, SealedText, StreamRef, Unit};
use crate::ids::{BatchId, WalletId};
use crate::run::{Inputs, Payer};
use crate::wallet::{CreditWallet, HeldFor, WalletCommand};

/// After how many items of a batch others get a turn while it is judged.
const BREATHE_EVERY: u32 = 64;

/// One item of a batch, in no dialect's words.
#[derive(Clone, Debug)]
pub struct BatchItemRequest {
    /// Whose limits apply.
    pub dialect: Dialect,
    /// The model, by the dialect's name for it.
    pub model: String,
    /// What is asked of it.
    pub ask: Ask,
    /// Prompt and addresses.
    pub inputs: Inputs,
    /// The generator, where one is used.
    pub generator: Option<String>,
    /// Its preference.
    pub preference: Option<String>,
    /// Its second preference.
    pub preference_two: Option<String>,
    /// Who may see what is made.
    pub privacy: Privacy,
    /// The workflow, where it is a run of one; see [`Core::workflow_item`].
    pub workflow: Option<WorkflowRef>,
    /// The operation's name: `images.generations.create`.
    pub operation: String,
}

/// A request for a batch.
#[derive(Clone, Debug)]
pub struct BatchRequest {
    /// What its items are.
    pub mode: BatchMode,
    /// The workflow or operation.
    pub target: String,
    /// How many items may run at once.
    pub concurrency: u32,
    /// The items, in order.
    pub items: Vec<BatchItemRequest>,
    /// Method and path template: `POST /v1/batches`.
    pub route: String,
    /// What the key must be allowed.
    pub scope: Scope,
    /// The key under which it may be said again.
    pub idempotency: Option<IdempotencyKey>,
}

/// A batch that was accepted, now or before.
#[derive(Clone, Debug, PartialEq)]
pub struct AcceptedBatch {
    /// Which.
    pub batch_id: BatchId,
    /// Its state; as it stands now where it was accepted before.
    pub batch: Batch,
    /// Its items as they were judged just now; none where it had been accepted before.
    pub items: Vec<OpenedItem>,
    /// Whether the same request had been accepted before.
    pub replayed: bool,
    /// What the payer can still spend.
    pub available: Credits,
    /// Where it was confirmed.
    pub confirmed: Confirmed,
}

impl Core {
    /// Accepts a batch: judges and prices every item, seals their inputs, and holds their maximum in
    /// one append. The same request under the same key finds the batch. Errors: an item that is
    /// refused refuses the batch and is named by its index.
    pub async fn create_batch(&self, caller: &Caller, request: BatchRequest) -> Result<AcceptedBatch, Refusal> {
        caller.require(request.scope)?;
        if let Some(key) = &request.idempotency {
            key.check()?;
        }
        let planned = match self.plan_items(caller, &request).await {
            Ok(planned) => planned,
            // A batch that was accepted before stays found, whatever the catalog says by now.
            Err(refusal) => return self.replay_batch(caller, request.idempotency.as_ref()).await?.ok_or(refusal),
        };
        let (account, scope, by) = (caller.account, request.scope, caller.acts_with.clone());
        let (batch_id, fingerprint) = self.batch_id(caller, request.idempotency.as_ref()).await?;
        let SealedItems { items, texts } = self.seal_items(account, &planned).await?;
        let created = CreatedBatch {
            account,
            payer: Payer { wallet: account.wallet(), team: None },
            key_id: caller.key_id(),
            client_id: caller.client_id().map(str::to_owned),
            surface: caller.surface,
            request_id: caller.request_id.clone(),
            fingerprint,
            mode: request.mode,
            target: request.target,
            concurrency: request.concurrency,
            items,
            item_maxima: planned.iter().map(|item| item.plan.quote.amount).collect(),
            at: self.now(),
        };
        let wallet = created.payer.wallet;
        let decision = self
            .request(batch_id.shard(), caller.acting(), account)
            .stream(StreamRef::of::<Account>(account))
            .stream(StreamRef::of::<CreditWallet>(wallet))
            .stream(StreamRef::of::<Batch>(batch_id))
            .carrying(texts.iter().map(|text| text.ciphertext.len()).sum());
        let ((batch, replayed, available), confirmed) = self
            .decide(decision, move |unit| {
                let at = unit.now();
                let replayed = match unit.state::<Batch>(batch_id).created() {
                    Some(known) if known.fingerprint != created.fingerprint => {
                        return Err(Refusal::IdempotencyReused);
                    }
                    Some(_) => true,
                    None => {
                        unit.state::<Account>(account).authorize(&by, scope)?;
                        let created = CreatedBatch { at, ..created.clone() };
                        accept(unit, batch_id, created, &texts)?;
                        false
                    }
                };
                let available = unit.state::<CreditWallet>(wallet).balance(at).available;
                Ok((unit.state::<Batch>(batch_id).clone(), replayed, available))
            })
            .await?;
        if !batch.status().is_ended() {
            self.dispatch.batch(batch_id, account);
        }
        let items = if replayed { Vec::new() } else { planned.into_iter().map(OpenedItem::from).collect() };
        Ok(AcceptedBatch { batch_id, batch, items, replayed, available, confirmed })
    }

    /// A batch's state at the shard's confirmed end.
    pub async fn batch_state(&self, batch: BatchId) -> Result<Batch, Refusal> {
        self.load(batch).await
    }

    /// A batch of the caller's. Errors: not found, or somebody else's, which is the same to the caller.
    pub async fn batch_of(&self, caller: &Caller, batch_id: BatchId) -> Result<Batch, Refusal> {
        let batch = self.batch_state(batch_id).await?;
        match batch.created() {
            Some(created) if created.account == caller.account => Ok(batch),
            Some(_) | None => Err(Refusal::NotFound("batch")),
        }
    }

    /// Stops a batch of the caller's: items that wait never start, those that run go on, and what
    /// they do not need is released. One that has ended stays as it is.
    pub async fn cancel_batch(&self, caller: &Caller, batch_id: BatchId) -> Result<(Batch, Confirmed), Refusal> {
        caller.require(Scope::BatchesWrite)?;
        let wallet = self.batch_of(caller, batch_id).await?.created().map(|created| created.payer.wallet);
        let wallet = wallet.ok_or(Refusal::NotFound("batch"))?;
        let (account, acts_with) = (caller.account, caller.acts_with.clone());
        let by = account.to_string();
        let decision = self
            .request(batch_id.shard(), caller.acting(), account)
            .stream(StreamRef::of::<Account>(account))
            .stream(StreamRef::of::<CreditWallet>(wallet))
            .stream(StreamRef::of::<Batch>(batch_id));
        let (batch, confirmed) = self
            .decide(decision, move |unit| {
                unit.state::<Account>(account).authorize(&acts_with, Scope::BatchesWrite)?;
                if !unit.state::<Batch>(batch_id).status().is_ended() {
                    stop(unit, batch_id, wallet, by.clone())?;
                }
                Ok(unit.state::<Batch>(batch_id).clone())
            })
            .await?;
        self.dispatch.batch(batch_id, caller.account);
        Ok((batch, confirmed))
    }

    async fn plan_items(&self, caller: &Caller, request: &BatchRequest) -> Result<Vec<JudgedItem>, Refusal> {
        if request.items.is_empty() || request.items.len() > Batch::ITEMS_MAX {
            return Err(BatchError::BadItems { max: Batch::ITEMS_MAX }.into());
        }
        if request.concurrency == 0 || request.concurrency > Batch::CONCURRENCY_MAX {
            return Err(BatchError::BadConcurrency { max: Batch::CONCURRENCY_MAX }.into());
        }
        let mut planned = Vec::with_capacity(request.items.len());
        for (index, item) in (0u32..).zip(&request.items) {
            if index % BREATHE_EVERY == 0 {
                breathe().await;
            }
            let refused = |problem| Refusal::Item { index, problem: Box::new(problem) };
            let (mut ask, mut inputs) = (item.ask.clone(), item.inputs.clone());
            let (wanted, workflow) = (Wanted::of(item.dialect, &item.model), item.workflow.as_ref());
            // A batch does not wait for files to be measured: what is priced by its length goes alone.
            let judged = self.judged(caller.account, wanted, &mut ask, &mut inputs, workflow, Measuring::NotYet).await;
            let judged = judged.map_err(refused)?;
            self.check_inputs(caller.account, &inputs).await.map_err(refused)?;
            let plan = PlannedItem::new(item, judged, &request.route);
            planned.push(JudgedItem { inputs, plan });
        }
        Ok(planned)
    }

    async fn batch_id(
        &self,
        caller: &Caller,
        key: Option<&IdempotencyKey>,
    ) -> Result<(BatchId, Option<String>), Refusal> {
        let account = caller.account;
        Ok(match key {
            Some(key) => (
                BatchId::keyed(account, &key.method, &key.path, &key.key),
                Some(self.vault.fingerprint(account.0, &key.body).await?),
            ),
            None => (BatchId(self.new_id(account.shard())), None),
        })
    }

    /// The batch that the same request made before under the same key, for whoever would refuse that
    /// request by now. Errors: the key was used for another request.
    pub async fn replay_batch(
        &self,
        caller: &Caller,
        key: Option<&IdempotencyKey>,
    ) -> Result<Option<AcceptedBatch>, Refusal> {
        if key.is_none() {
            return Ok(None);
        }
        let (batch_id, fingerprint) = self.batch_id(caller, key).await?;
        let wallet = caller.account.wallet();
        let decision = self
            .request(batch_id.shard(), caller.acting(), caller.account)
            .stream(StreamRef::of::<Batch>(batch_id))
            .stream(StreamRef::of::<CreditWallet>(wallet));
        let (found, confirmed) = self
            .decide(decision, move |unit| {
                let batch = unit.state::<Batch>(batch_id);
                let Some(created) = batch.created() else { return Ok(None) };
                if created.fingerprint != fingerprint {
                    return Err(Refusal::IdempotencyReused);
                }
                let available = unit.state::<CreditWallet>(wallet).balance(unit.now()).available;
                Ok(Some((batch.clone(), available)))
            })
            .await?;
        Ok(found.map(|(batch, available)| AcceptedBatch {
            batch_id,
            batch,
            items: Vec::new(),
            replayed: true,
            available,
            confirmed,
        }))
    }
}

/// Makes the batch, its hold and its texts.
fn accept(unit: &mut Unit<'_>, batch: BatchId, created: CreatedBatch, texts: &[SealedText]) -> Result<(), Refusal> {
    let at = unit.now();
    let (wallet, amount) = (created.payer.wallet, created.maximum());
    unit.execute::<Batch>(batch, BatchCommand::Create(Box::new(created)))?;
    let held_for = HeldFor::Batch(batch);
    unit.execute::<CreditWallet>(wallet, WalletCommand::Hold { held_for, amount, at })?;
    texts.iter().for_each(|text| unit.seal(text.clone()));
    Ok(())
}

/// Stops a batch; its hold goes back at once where nothing runs, else with the last run's end.
pub(super) fn stop(unit: &mut Unit<'_>, batch: BatchId, wallet: WalletId, by: String) -> Result<(), Refusal> {
    let at = unit.now();
    if unit.state::<Batch>(batch).status() == BatchStatus::None {
        return Err(Refusal::NotFound("batch"));
    }
    unit.execute::<Batch>(batch, BatchCommand::Cancel { by })?;
    release_if_ended(unit, batch, wallet, at)
}
