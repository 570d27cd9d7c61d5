//! A run as it stands at the shard's confirmed end, with its outputs opened.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::core::Core;
use super::refusal::Refusal;
use crate::creation::{Creation, Output};
use crate::es::{Loaded, StreamRef};
use crate::ids::{AccountId, RunId, SealedId};
use crate::ports::Vault;
use crate::run::{Inputs, Run};

/// One output of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct CreationView {
    /// Its public integer id.
    pub number: u64,
    /// Its state.
    pub creation: Creation,
    /// Its typed fields, of a text that was delivered.
    pub fields: Option<Map<String, Value>>,
}

/// A run with what its owner may see of it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunView {
    /// Which.
    pub run_id: RunId,
    /// Its state.
    pub run: Run,
    /// Prompt and addresses; empty once its owner was erased.
    pub inputs: Inputs,
    /// Its outputs, in order.
    pub creations: Vec<CreationView>,
}

impl Core {
    /// A run of `account`'s. Errors: not found, or somebody else's, which is the same to the caller.
    pub async fn run_view(&self, account: AccountId, run_id: RunId) -> Result<RunView, Refusal> {
        let run = self.run_state(run_id).await?;
        match run.requested() {
            Some(requested) if requested.account == account => self.opened(run_id, run).await,
            Some(_) | None => Err(Refusal::NotFound("run")),
        }
    }

    /// The prompt of sealed inputs; `None` once their owner was erased.
    pub async fn prompt_of(&self, inputs: SealedId) -> Result<Option<String>, Refusal> {
        let opened = open_json(&*self.vault, vec![inputs]).await?.remove(&inputs);
        let inputs = opened.and_then(|value| serde_json::from_value::<Inputs>(value).ok());
        Ok(inputs.map(|inputs| inputs.prompt))
    }

    /// The typed fields of a sealed text; `None` once their owner was erased.
    pub async fn fields_of(&self, text: SealedId) -> Result<Option<Map<String, Value>>, Refusal> {
        Ok(match open_json(&*self.vault, vec![text]).await?.remove(&text) {
            Some(Value::Object(fields)) => Some(fields),
            _ => None,
        })
    }

    /// Opens what a run's state refers to.
    pub async fn opened(&self, run_id: RunId, run: Run) -> Result<RunView, Refusal> {
        let Some(requested) = run.requested() else { return Err(Refusal::NotFound("run")) };
        let creations = if run.status().is_ended() {
            let streams = requested.creations.iter().map(|creation| StreamRef::of::<Creation>(creation.id)).collect();
            self.decider.load(run_id.shard(), streams).await?
        } else {
            Vec::new()
        };
        let creations = creations.iter().filter_map(state_of).collect();
        self.viewed(run_id, run, creations, None).await
    }

    /// A run as it stands now, for whoever brought `inputs` with the same request: they are not opened
    /// again, and run and outputs are read together.
    pub async fn run_view_with(&self, run_id: RunId, run: Run, inputs: Inputs) -> Result<RunView, Refusal> {
        let Some(requested) = run.requested() else { return Err(Refusal::NotFound("run")) };
        let creations = requested.creations.iter().map(|creation| StreamRef::of::<Creation>(creation.id));
        let streams = std::iter::once(StreamRef::of::<Run>(run_id)).chain(creations).collect();
        let loaded = self.decider.load(run_id.shard(), streams).await?;
        let run: Run = loaded.iter().find_map(state_of).unwrap_or(run);
        let ended = run.status().is_ended();
        let creations = loaded.iter().filter(|_| ended).filter_map(state_of).collect();
        self.viewed(run_id, run, creations, Some(inputs)).await
    }

    async fn viewed(
        &self,
        run_id: RunId,
        run: Run,
        creations: Vec<Creation>,
        inputs: Option<Inputs>,
    ) -> Result<RunView, Refusal> {
        let Some(requested) = run.requested() else { return Err(Refusal::NotFound("run")) };
        let sealed = requested.inputs;
        let wanted = inputs.is_none().then_some(sealed);
        let texts: Vec<SealedId> = creations.iter().filter_map(sealed_fields).chain(wanted).collect();
        let mut opened = if texts.is_empty() { HashMap::new() } else { open_json(&*self.vault, texts).await? };
        let mut unseal = || opened.remove(&sealed).and_then(|value| serde_json::from_value(value).ok());
        let inputs = inputs.or_else(&mut unseal).unwrap_or_default();
        let numbers: Vec<u64> = requested.creations.iter().map(|creation| creation.number).collect();
        let creations = numbers
            .into_iter()
            .zip(creations)
            .map(|(number, creation)| {
                let fields = sealed_fields(&creation).and_then(|id| opened.remove(&id)).and_then(|value| match value {
                    Value::Object(fields) => Some(fields),
                    _ => None,
                });
                CreationView { number, creation, fields }
            })
            .collect();
        Ok(RunView { run_id, run, inputs, creations })
    }
}

fn state_of<A: Clone + 'static>(loaded: &Loaded) -> Option<A> {
    loaded.state.as_any().downcast_ref::<A>().cloned()
}

fn sealed_fields(creation: &Creation) -> Option<SealedId> {
    match creation.output() {
        Some(Output::Text { fields, .. }) => Some(*fields),
        Some(Output::Asset { .. }) | None => None,
    }
}

/// Opens sealed JSON. What does not exist any more is absent.
pub(super) async fn open_json(vault: &dyn Vault, ids: Vec<SealedId>) -> Result<HashMap<SealedId, Value>, Refusal> {
    let opened = vault.open(&ids).await?;
    Ok(opened.into_iter().filter_map(|(id, text)| Some((id, serde_json::from_slice(&text).ok()?))).collect())
}
