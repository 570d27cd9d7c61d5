//! Histories for tests: commands to real aggregates, whose events are appended to a log in memory.

use std::any::Any;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

use chrono::TimeDelta;
use cqrs_es::DomainEvent;
use mintmark_domain::account::{Account, AccountCommand, IssuedKey, Profile, Scopes, Tier};
use mintmark_domain::batch::{Batch, BatchCommand, BatchMode, CreatedBatch, ItemOutcome};
use mintmark_domain::catalog::{Capability, Checked, Choices, Dialect, MediaType, Mode};
use mintmark_domain::creation::{Creation, CreationCommand, License, OpenedCreation, Output, Privacy};
use mintmark_domain::es::{Aggregate, AggregateType, Commit, End, EventLog, NewEvent, StreamId};
use mintmark_domain::ids::{AccountId, BatchId, CommitId, CreationId, RunId, SealedId, WalletId, derived_id};
use mintmark_domain::money::{ChargingRule, Quote, Rounding};
use mintmark_domain::ports::Vault;
use mintmark_domain::run::{
    AttemptRef, CreationRef, Ending, FailureReason, Inputs, ItemRef, OutputOutcome, Payer, RequestedRun, Run,
    RunCommand, Surface,
};
use mintmark_domain::wallet::{
    Balance, BonusKind, CreditWallet, GrantSource, HeldFor, LotKind, RefundPart, WalletCommand, WalletOwner,
};
use mintmark_domain::{Credits, Shard, Timestamp};
use mintmark_log::memory::MemoryEventLog;
use uuid::Uuid;

use super::vault::PlainVault;

/// A history being made in one shard.
pub(super) struct History {
    pub log: MemoryEventLog,
    pub shard: Shard,
    pub vault: Arc<PlainVault>,
    now: Timestamp,
    end: End,
    states: HashMap<StreamId, (u64, Box<dyn Any + Send>)>,
    pending: Vec<NewEvent>,
    said: HashMap<Uuid, Vec<String>>,
    made: u64,
}

/// What a run asks for, beside its account.
#[derive(Clone)]
pub(super) struct Asked {
    pub price: u32,
    pub outputs: u32,
    pub model: &'static str,
    pub capability: Capability,
    pub generator: Option<&'static str>,
    pub surface: Surface,
    pub key_id: Option<u64>,
    pub privacy: Privacy,
    pub item: Option<ItemRef>,
    pub prompt: String,
}

impl Default for Asked {
    fn default() -> Self {
        Asked {
            price: 6,
            outputs: 2,
            model: "nano-banana-2",
            capability: Capability::ImageGeneration,
            generator: None,
            surface: Surface::Genfire,
            key_id: Some(41),
            privacy: Privacy::Public,
            item: None,
            prompt: "a red dragon above a castle".into(),
        }
    }
}

impl History {
    pub async fn new() -> Self {
        Self::in_shard(Shard::ZERO).await
    }

    pub async fn in_shard(shard: Shard) -> Self {
        Self::on(MemoryEventLog::new(), shard).await
    }

    pub async fn on(log: MemoryEventLog, shard: Shard) -> Self {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        let end = log.open(shard, CommitId(derived_id(shard, "opening", &[])), now).await.unwrap();
        History {
            log,
            shard,
            vault: Arc::default(),
            now,
            end,
            states: HashMap::new(),
            pending: Vec::new(),
            said: HashMap::new(),
            made: 0,
        }
    }

    /// Makes other ids than a history that begins at 0.
    pub fn numbered_from(mut self, number: u64) -> Self {
        self.made = number;
        self
    }

    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub fn end(&self) -> End {
        self.end
    }

    pub fn pass(&mut self, time: TimeDelta) {
        self.now += time;
    }

    /// A number that no other call gives, in any shard.
    fn number(&mut self) -> u64 {
        self.made += 1;
        u64::from(self.shard.number()) * 1_000_000 + self.made
    }

    fn id(&mut self, kind: &str) -> Uuid {
        let number = self.number();
        derived_id(self.shard, kind, &[&number.to_be_bytes()])
    }

    /// The state of a stream.
    pub fn state<A: Aggregate + Send>(&self, id: Uuid) -> A
    where
        A::Command: Clone + Debug,
    {
        let stream = StreamId { aggregate: AggregateType::named(A::TYPE), id };
        self.states.get(&stream).and_then(|(_, state)| state.downcast_ref::<A>()).cloned().unwrap_or_default()
    }

    /// Carries a command out; its events go with the next commit. Returns whether it was accepted.
    pub fn act<A: Aggregate + Send>(&mut self, id: Uuid, command: A::Command) -> bool
    where
        A::Command: Clone + Debug,
    {
        let stream = StreamId { aggregate: AggregateType::named(A::TYPE), id };
        let mut state = self.state::<A>(id);
        let Ok(events) = state.decide(command) else { return false };
        let mut sequence = self.states.get(&stream).map_or(0, |(sequence, _)| *sequence);
        for event in events {
            sequence += 1;
            self.said.entry(id).or_default().push(event.event_type());
            self.pending.push(NewEvent {
                stream,
                sequence,
                event_type: event.event_type(),
                event_version: event.event_version(),
                payload: serde_json::to_string(&event).unwrap(),
                metadata: "{}".into(),
            });
            cqrs_es::Aggregate::apply(&mut state, event);
        }
        self.states.insert(stream, (sequence, Box::new(state)));
        true
    }

    /// The types of a stream's events.
    pub fn said(&self, id: Uuid) -> &[String] {
        self.said.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Adds an event as it is said, which no aggregate of this release may know.
    pub fn push_raw(&mut self, aggregate: &'static str, id: Uuid, event_type: &str, version: &str, payload: &str) {
        let stream = StreamId { aggregate: AggregateType::named(aggregate), id };
        let entry = self.states.entry(stream).or_insert_with(|| (0, Box::new(())));
        entry.0 += 1;
        self.pending.push(NewEvent {
            stream,
            sequence: entry.0,
            event_type: event_type.into(),
            event_version: version.into(),
            payload: payload.into(),
            metadata: "{}".into(),
        });
    }

    /// Appends what was decided since the last time, a moment later.
    pub async fn commit(&mut self) {
        self.now += TimeDelta::milliseconds(250);
        if self.pending.is_empty() {
            return;
        }
        let commit = Commit {
            id: CommitId(self.id("commit")),
            recorded_at: self.now,
            events: std::mem::take(&mut self.pending),
            sealed: vec![],
        };
        self.end = self.log.append(self.shard, self.end, &commit).await.unwrap();
    }

    pub async fn account(&mut self, username: &str) -> AccountId {
        let account = AccountId(self.id("account"));
        let profile = self.profile(account, username).await;
        let user_id = self.number();
        let register = AccountCommand::Register {
            user_id,
            profile,
            username_claim: username.into(),
            email_claim: username.into(),
            tier: Tier::Free,
        };
        assert!(self.act::<Account>(account.0, register));
        assert!(
            self.act::<CreditWallet>(account.wallet().0, WalletCommand::Open { owner: WalletOwner::Account(account) })
        );
        account
    }

    pub async fn profile(&mut self, account: AccountId, username: &str) -> SealedId {
        let id = SealedId(self.id("profile"));
        let profile = Profile { username: username.into(), bio: "makes things".into(), ..Profile::default() };
        self.vault.seal(account.0, id, &serde_json::to_vec(&profile).unwrap()).await.unwrap();
        id
    }

    pub fn key(&mut self, account: AccountId) -> u64 {
        let key_id = self.number();
        let key = IssuedKey {
            key_id,
            name: format!("key {key_id}"),
            prefix: "gnr_live_abcd".into(),
            hash: format!("{key_id:064x}"),
            scopes: Scopes::Full,
            made_with: None,
            made_with_client: None,
        };
        assert!(self.act::<Account>(
            account.0,
            AccountCommand::IssueKey { key, by: mintmark_domain::account::ActsWith::Operator }
        ));
        key_id
    }

    pub fn grant(&mut self, account: AccountId, amount: u32, kind: LotKind, expires_in: Option<TimeDelta>) -> bool {
        let source = match kind {
            LotKind::Paid => GrantSource::Operator { reason: "test".into(), payment: None },
            LotKind::Free => GrantSource::Bonus {
                bonus: mintmark_domain::ids::BonusId(self.id("bonus")),
                kind: BonusKind::Daily,
                period: "2026-11-22".into(),
            },
            LotKind::Earned => GrantSource::Gift {
                gift: mintmark_domain::ids::GiftId(self.id("gift")),
                from: AccountId(self.id("giver")).into(),
            },
        };
        let grant = WalletCommand::Grant {
            kind,
            amount: Credits::whole(amount),
            priority: 0,
            expires_at: expires_in.map(|time| self.now + time),
            source,
            at: self.now,
        };
        self.act::<CreditWallet>(account.wallet().0, grant)
    }

    pub fn balance(&self, wallet: WalletId) -> Balance {
        self.state::<CreditWallet>(wallet.0).balance(self.now)
    }

    /// Requests a run: its hold, the run and its creations. `None` if the credits do not suffice.
    pub fn request(&mut self, account: AccountId, asked: &Asked) -> Option<RunId> {
        let run = match asked.item {
            Some(item) => RunId::of_item(item.batch, item.index),
            None => RunId(self.id("run")),
        };
        let wallet = account.wallet();
        let (amount, at) = (Credits::whole(asked.price), self.now);
        let hold = match asked.item {
            Some(item) => WalletCommand::Split { batch: item.batch, run, amount, at },
            None => WalletCommand::Hold { held_for: HeldFor::Run(run), amount, at },
        };
        if !self.act::<CreditWallet>(wallet.0, hold) {
            return None;
        }
        let creations: Vec<CreationRef> = (0..asked.outputs)
            .map(|_| {
                let number = self.number();
                CreationRef { id: CreationId::numbered(self.shard, number), number }
            })
            .collect();
        let inputs = SealedId(self.id("inputs"));
        let said = Inputs { prompt: asked.prompt.clone(), ..Inputs::default() };
        self.vault.keep(account, inputs, serde_json::to_vec(&said).unwrap());
        let request = requested(account, asked, inputs, &creations, at);
        assert!(self.act::<Run>(run.0, RunCommand::Request(Box::new(request))));
        for (index, creation) in (0..).zip(&creations) {
            let opened = OpenedCreation {
                number: creation.number,
                account,
                user_id: 7,
                run,
                index,
                team: None,
                generator: asked.generator.map(str::to_owned),
                model: asked.model.into(),
                media_type: MediaType::Img,
                inputs,
                privacy: asked.privacy,
                license: License::OpenGo1,
                at,
            };
            assert!(self.act::<Creation>(creation.id.0, CreationCommand::Open(Box::new(opened))));
        }
        if let Some(item) = asked.item {
            assert!(self.act::<Batch>(item.batch.0, BatchCommand::StartItem { index: item.index, run }));
        }
        Some(run)
    }

    pub fn start(&mut self, run: RunId) -> bool {
        let attempts = self.number();
        self.act::<Run>(
            run.0,
            RunCommand::IntendSubmit {
                client_id: format!("client-{attempts}"),
                node: "node-1".into(),
                submit_by: self.now + TimeDelta::seconds(30),
                at: self.now,
            },
        )
    }

    /// The attempt under way, as its node names it.
    pub fn attempt(&self, run: RunId) -> Option<AttemptRef> {
        let state = self.state::<Run>(run.0);
        state.attempt().map(|attempt| AttemptRef { number: attempt.number, node: attempt.node.clone() })
    }

    fn request_of(&self, run: RunId) -> RequestedRun {
        self.state::<Run>(run.0).requested().expect("a requested run").clone()
    }

    /// Ends a run with so many outputs delivered; what was not is released.
    pub fn deliver(&mut self, run: RunId, delivered: u32) -> bool {
        let request = self.request_of(run);
        let Some(attempt) = self.attempt(run) else { return false };
        let outputs: Vec<OutputOutcome> = (0..request.quote.outputs)
            .map(|n| if n < delivered { OutputOutcome::Delivered } else { OutputOutcome::Failed(reason("moderated")) })
            .collect();
        let captured = request.quote.for_outputs(delivered);
        let rule =
            if delivered < request.quote.outputs { ChargingRule::PartialDelivery } else { ChargingRule::Delivered };
        let ending = self.ending(&request, run, captured, rule);
        if !self.act::<Run>(run.0, RunCommand::Succeed { attempt, outputs, ending }) {
            return false;
        }
        self.close_books(&request, run, captured, rule);
        for (n, creation) in (0..).zip(&request.creations) {
            let command = if n < delivered {
                CreationCommand::Complete { output: picture(creation.number) }
            } else {
                CreationCommand::Fail { reason: reason("moderated") }
            };
            assert!(self.act::<Creation>(creation.id.0, command));
        }
        self.finish_item(&request, ItemOutcome::Succeeded);
        true
    }

    /// Ends a run with nothing delivered: failed, or cancelled.
    pub fn fail(&mut self, run: RunId, cancelled: bool) -> bool {
        let request = self.request_of(run);
        let attempt = self.attempt(run);
        let rule = if cancelled { ChargingRule::CancelledWhileQueued } else { ChargingRule::ProviderFailed };
        let ending = self.ending(&request, run, Credits::ZERO, rule);
        let command = if cancelled {
            self.act::<Run>(run.0, RunCommand::RequestCancel { by: "owner".into(), at: self.now });
            RunCommand::Cancel { attempt, by: "owner".into(), outputs: vec![], ending }
        } else {
            RunCommand::Fail { attempt, reason: reason("provider_failed"), ending }
        };
        if !self.act::<Run>(run.0, command) {
            return false;
        }
        self.close_books(&request, run, Credits::ZERO, rule);
        for creation in &request.creations {
            let command = if cancelled {
                CreationCommand::Cancel
            } else {
                CreationCommand::Fail { reason: reason("provider_failed") }
            };
            assert!(self.act::<Creation>(creation.id.0, command));
        }
        self.finish_item(&request, if cancelled { ItemOutcome::Cancelled } else { ItemOutcome::Failed });
        true
    }

    fn ending(&self, request: &RequestedRun, run: RunId, captured: Credits, rule: ChargingRule) -> Ending {
        let wallet = self.state::<CreditWallet>(request.payer.wallet.0);
        let parts = wallet.capture_parts(HeldFor::Run(run), captured);
        let captured_parts = wallet
            .kinds_of(&parts)
            .into_iter()
            .map(|part| mintmark_domain::run::CapturedPart { kind: part.kind, amount: part.amount })
            .collect();
        Ending { at: self.now, rule, captured, captured_parts, reported_cost: None }
    }

    fn close_books(&mut self, request: &RequestedRun, run: RunId, captured: Credits, rule: ChargingRule) {
        let (wallet, held_for, at) = (request.payer.wallet.0, HeldFor::Run(run), self.now);
        if captured.is_positive() {
            assert!(self.act::<CreditWallet>(wallet, WalletCommand::Capture { held_for, amount: captured, rule, at }));
        }
        if self.state::<CreditWallet>(wallet).hold(held_for).is_some() {
            assert!(self.act::<CreditWallet>(wallet, WalletCommand::Release { held_for, at }));
        }
    }

    /// Gives one credit of what a run captured back, if it captured any.
    pub fn refund(&mut self, run: RunId) {
        let (wallet, amount, at) = (self.request_of(run).payer.wallet.0, Credits::whole(1), self.now);
        let Some(parts) = self.state::<Run>(run.0).refund_parts(amount) else { return };
        let (reference, by, reason) = (self.id("refund").to_string(), "an operator".into(), "a fault".to_owned());
        let given = parts.iter().map(|part| RefundPart { kind: part.kind, amount: part.amount }).collect();
        assert!(self.act::<Run>(run.0, RunCommand::Refund { reference, amount, parts, by, reason, at }));
        assert!(self.act::<CreditWallet>(wallet, WalletCommand::Refund { run, parts: given, reason: None, at }));
    }

    fn finish_item(&mut self, request: &RequestedRun, outcome: ItemOutcome) {
        let Some(item) = request.item else { return };
        self.act::<Batch>(item.batch.0, BatchCommand::FinishItem { index: item.index, outcome });
        self.close_batch(item.batch);
    }

    /// The batch's own hold is closed when it has ended.
    pub fn close_batch(&mut self, batch: BatchId) {
        let state = self.state::<Batch>(batch.0);
        let Some(created) = state.created() else { return };
        if state.status().is_ended() {
            let release = WalletCommand::Release { held_for: HeldFor::Batch(batch), at: self.now };
            self.act::<CreditWallet>(created.payer.wallet.0, release);
        }
    }

    pub fn batch(&mut self, account: AccountId, items: u32, price: u32, concurrency: u32) -> Option<BatchId> {
        let batch = BatchId(self.id("batch"));
        let amount = Credits::whole(items * price);
        let hold = WalletCommand::Hold { held_for: HeldFor::Batch(batch), amount, at: self.now };
        if !self.act::<CreditWallet>(account.wallet().0, hold) {
            return None;
        }
        let created = CreatedBatch {
            account,
            payer: Payer { wallet: account.wallet(), team: None },
            key_id: Some(41),
            client_id: None,
            surface: Surface::Genfire,
            request_id: "req".into(),
            fingerprint: None,
            mode: BatchMode::Operation,
            target: "images.generations.create".into(),
            concurrency,
            items: (0..items).map(|_| SealedId(self.id("inputs"))).collect(),
            item_maxima: vec![Credits::whole(price); items as usize],
            at: self.now,
        };
        assert!(self.act::<Batch>(batch.0, BatchCommand::Create(Box::new(created))));
        Some(batch)
    }
}

pub(super) fn reason(code: &str) -> FailureReason {
    FailureReason { code: code.into(), message: "It was not made.".into() }
}

pub(super) fn picture(number: u64) -> Output {
    Output::Asset {
        key: format!("users/7/img/image-{number}.png"),
        content_type: "image/png".into(),
        size_bytes: 1_234,
        width: Some(64),
        height: Some(32),
        duration_ms: None,
        details: None,
    }
}

fn requested(
    account: AccountId,
    asked: &Asked,
    inputs: SealedId,
    creations: &[CreationRef],
    at: Timestamp,
) -> RequestedRun {
    let amount = Credits::whole(asked.price);
    let per_output = Credits::new(amount.value() / rust_decimal::Decimal::from(asked.outputs)).unwrap_or(amount);
    RequestedRun {
        account,
        payer: Payer { wallet: account.wallet(), team: None },
        team: None,
        key_id: asked.key_id,
        client_id: None,
        surface: asked.surface,
        route: "POST /v1/images/generations".into(),
        operation: "images.generations.create".into(),
        request_id: "req".into(),
        fingerprint: None,
        parameters: checked(asked),
        model_alias: asked.model.into(),
        generator: asked.generator.map(str::to_owned),
        preference: None,
        preference_two: None,
        workflow: None,
        project: None,
        inputs,
        quote: Quote {
            amount,
            exact: amount,
            per_output,
            outputs: asked.outputs,
            lines: vec![],
            price_book: "test".into(),
            rounding: Rounding::WholeCredits,
            per_output_by_quality: [].into(),
        },
        creations: creations.to_vec(),
        item: asked.item,
        provider: "sandbox".into(),
        provider_model: asked.model.into(),
        private: asked.privacy == Privacy::Private,
        at,
    }
}

fn checked(asked: &Asked) -> Checked {
    Checked {
        model: asked.model.into(),
        dialect: Dialect::Genfire,
        capability: asked.capability,
        media_type: MediaType::Img,
        mode: Mode::TextToOutput,
        count: asked.outputs,
        prompt_chars: 42,
        characters: 0,
        aspect_ratio: Some("16:9".into()),
        duration_seconds: None,
        resolution: None,
        quality: None,
        generate_audio: false,
        images: 0,
        references: 0,
        source_video: false,
        first_frame: false,
        last_frame: false,
        reference_videos: 0,
        reference_audio: false,
        input_audio: false,
        media_seconds: None,
        scale_factor: None,
        voice: None,
        language: None,
        temperature: None,
        output_format: None,
        conditioning: 0,
        choices: Choices::default(),
    }
}
