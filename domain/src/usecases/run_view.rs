//! A run as it stands at the shard's confirmed end, with its outputs opened.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::core::Core;
use super::refusal::Refusal;
use crate::creation::{Creation, Output};
use crate::es::{Position, StreamRef, Unit};
use crate::ids::{AccountId, CreationId, RunId, SealedId};
use crate::ports::Vault;
use crate::run::{Inputs, Run};

/// One output of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct CreationView {
    /// Its public integer id.
    pub number: u64,
    /// Its state.
    pub creation: Creation,
    /// Its typed fields, of a text that was delivered; of a file what its provider said of it.
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
    /// The shard's end at which it was read; `None` where all of it was known before. Reading at or
    /// after it sees what is shown here.
    pub as_of: Option<Position>,
}

impl Core {
    /// A run of `account`'s. Errors: not found, or somebody else's, which is the same to the caller.
    pub async fn run_view(&self, account: AccountId, run_id: RunId) -> Result<RunView, Refusal> {
        let (run, read_at) = self.load_at::<Run>(run_id).await?;
        match run.requested() {
            Some(requested) if requested.account == account => {
                let view = self.opened(run_id, run).await?;
                Ok(RunView { as_of: view.as_of.max(Some(read_at)), ..view })
            }
            Some(_) | None => Err(Refusal::NotFound("run")),
        }
    }

    /// A run's state, and the shard's end at which it was read.
    pub async fn run_state_at(&self, run: RunId) -> Result<(Run, Position), Refusal> {
        self.load_at(run).await
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
        if !run.status().is_ended() {
            return self.viewed(run_id, run, (Vec::new(), None), None).await;
        }
        let ids: Vec<CreationId> = requested.creations.iter().map(|creation| creation.id).collect();
        let streams = ids.iter().map(|id| StreamRef::of::<Creation>(*id)).collect();
        let (creations, read_at) = self.read(run_id.into(), streams, move |unit| states(unit, &ids)).await?;
        self.viewed(run_id, run, (creations, Some(read_at)), None).await
    }

    /// A run as it stands now, for whoever brought `inputs` with the same request: they are not opened
    /// again, and run and outputs are read together.
    pub async fn run_view_with(&self, run_id: RunId, run: Run, inputs: Inputs) -> Result<RunView, Refusal> {
        let Some(requested) = run.requested() else { return Err(Refusal::NotFound("run")) };
        let ids: Vec<CreationId> = requested.creations.iter().map(|creation| creation.id).collect();
        let creations = ids.iter().map(|id| StreamRef::of::<Creation>(*id));
        let streams = std::iter::once(StreamRef::of::<Run>(run_id)).chain(creations).collect();
        let together = move |unit: &Unit<'_>| {
            let run = unit.state::<Run>(run_id).clone();
            let creations = if run.status().is_ended() { states(unit, &ids) } else { Vec::new() };
            (run, creations)
        };
        let ((run, creations), read_at) = self.read(run_id.into(), streams, together).await?;
        self.viewed(run_id, run, (creations, Some(read_at)), Some(inputs)).await
    }

    async fn viewed(
        &self,
        run_id: RunId,
        run: Run,
        (creations, as_of): (Vec<Creation>, Option<Position>),
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
        Ok(RunView { run_id, run, inputs, creations, as_of })
    }
}

fn states(unit: &Unit<'_>, creations: &[CreationId]) -> Vec<Creation> {
    creations.iter().map(|id| unit.state::<Creation>(*id).clone()).collect()
}

fn sealed_fields(creation: &Creation) -> Option<SealedId> {
    creation.output().and_then(Output::sealed)
}

/// Opens sealed JSON. What does not exist any more is absent.
pub(super) async fn open_json(vault: &dyn Vault, ids: Vec<SealedId>) -> Result<HashMap<SealedId, Value>, Refusal> {
    let opened = vault.open(&ids).await?;
    Ok(opened.into_iter().filter_map(|(id, text)| Some((id, serde_json::from_slice(&text).ok()?))).collect())
}
