//! What stands for the world outside: clock, vault, files, links, a network between a node and its provider.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use mintmark_domain::batch::Batch;
use mintmark_domain::es::EventLog as _;
use mintmark_domain::es::{
    AggregateType, Confirmed, DecideError, Decider, DecisionRequest, Job as DecisionJob, Loaded, Position, SealedText,
    StreamRef,
};
use mintmark_domain::ids::{AccountId, RunId, SealedId};
use mintmark_domain::ports::{
    AssetError, Assets, CancelReply, ClaimKind, Clock, FetchedInput, InputError, InputFetcher, InputWanted, Job, Links,
    OwnAddress, PageJob, PendingBatch, PendingRun, Probe, ProductReader, Provider, ProviderTraits, ProviderUnreachable,
    ReadProduct, StoredAsset, Submission, SubmitError, Vault, VaultError, WorkCursor, WorkItem, WorkQueue,
    WorkUnavailable,
};
use mintmark_domain::run::{FailureReason, Run};
use mintmark_domain::{Shard, Timestamp};
use mintmark_infra::providers::Sandbox;
use mintmark_log::memory::MemoryEventLog;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// A clock that goes with Tokio's, which tests pause.
pub struct TokioClock {
    pub begun: Instant,
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let begin = Timestamp::UNIX_EPOCH + TimeDelta::seconds(1_795_000_000);
        let passed = u64::try_from(self.begun.elapsed().as_micros()).unwrap();
        begin + TimeDelta::microseconds(passed.cast_signed())
    }
}

/// Keeps texts as they are, beside the log.
pub struct PlainVault {
    pub log: MemoryEventLog,
}

#[async_trait]
impl Vault for PlainVault {
    async fn seal(&self, subject: Uuid, id: SealedId, text: &[u8]) -> Result<SealedText, VaultError> {
        Ok(SealedText { id, subject, ciphertext: text.to_vec() })
    }

    async fn open(&self, ids: &[SealedId]) -> Result<HashMap<SealedId, Vec<u8>>, VaultError> {
        let found = self.log.read_sealed(Shard::ZERO, ids).await.unwrap();
        Ok(found.into_iter().map(|text| (text.id, text.ciphertext)).collect())
    }

    async fn open_text(&self, text: &SealedText) -> Result<Option<Vec<u8>>, VaultError> {
        Ok(Some(text.ciphertext.clone()))
    }

    async fn fingerprint(&self, subject: Uuid, bytes: &[u8]) -> Result<String, VaultError> {
        Ok(format!("{subject}:{}", String::from_utf8_lossy(bytes)))
    }

    fn claim_value(&self, _kind: ClaimKind, name: &str) -> Vec<u8> {
        name.as_bytes().to_vec()
    }
}

/// Files in memory.
pub struct MemoryAssets {
    pub files: Mutex<BTreeMap<String, (String, Bytes)>>,
    /// Where storing stops forever, as a process that dies there does.
    pub gate: Stop,
}

#[async_trait]
impl Assets for MemoryAssets {
    async fn put(&self, key: &str, content_type: &str, bytes: Bytes) -> Result<StoredAsset, AssetError> {
        let number = self.gate.begin().await;
        let size_bytes = bytes.len() as u64;
        self.files.lock().unwrap().insert(key.to_owned(), (content_type.to_owned(), bytes));
        self.gate.end(number).await;
        Ok(StoredAsset { key: key.to_owned(), content_type: content_type.to_owned(), size_bytes })
    }

    async fn head(&self, key: &str) -> Result<Option<StoredAsset>, AssetError> {
        Ok(self.files.lock().unwrap().get(key).map(|(content_type, bytes)| StoredAsset {
            key: key.to_owned(),
            content_type: content_type.clone(),
            size_bytes: bytes.len() as u64,
        }))
    }

    async fn get(&self, key: &str) -> Result<Bytes, AssetError> {
        self.files.lock().unwrap().get(key).map(|(_, bytes)| bytes.clone()).ok_or(AssetError::NotFound)
    }
}

/// A file for every address, which holds that address, but for those that hold `gone`; `slow` ones take
/// their time.
pub struct Samples;

#[async_trait]
impl InputFetcher for Samples {
    fn check(&self, _url: &str) -> Result<(), InputError> {
        Ok(())
    }

    async fn fetch(&self, url: &str, _wanted: InputWanted) -> Result<FetchedInput, InputError> {
        if url.contains("gone") {
            return Err(InputError::Unreachable("404".into()));
        }
        if url.contains("slow") {
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
        let bytes = Bytes::copy_from_slice(url.as_bytes());
        Ok(FetchedInput { content_type: "image/png".into(), bytes })
    }

    async fn portrait(&self, _: AccountId, picture: Bytes) -> Result<Bytes, InputError> {
        Ok(picture)
    }

    async fn measure(&self, _: AccountId, _url: &str, _wanted: InputWanted) -> Result<u64, InputError> {
        Ok(1_000)
    }
}

pub struct NoLinks;

impl Links for NoLinks {
    fn public(&self, key: &str) -> String {
        key.to_owned()
    }
    fn signed(&self, key: &str, _now: Timestamp) -> String {
        key.to_owned()
    }
    fn signed_for(&self, key: &str, _now: Timestamp, _lifetime: chrono::TimeDelta) -> String {
        key.to_owned()
    }
    fn page(&self, path: &str) -> String {
        path.to_owned()
    }
    fn own(&self, _url: &str, _now: Timestamp) -> Option<OwnAddress> {
        None
    }
}

/// The work queue, folded from the log at each look: what a read model without lag would say.
pub struct FoldedWork {
    pub log: MemoryEventLog,
    pub decider: Arc<dyn Decider>,
    pub seen: tokio::sync::Mutex<Seen>,
}

/// What was read so far: where the log was read to, and what had not ended then.
#[derive(Default)]
pub struct Seen {
    pub position: Position,
    pub open: BTreeMap<Uuid, (AggregateType, Timestamp)>,
}

#[async_trait]
impl WorkQueue for FoldedWork {
    async fn pending(&self, after: Option<WorkCursor>, limit: usize) -> Result<Vec<WorkItem>, WorkUnavailable> {
        let mut seen = self.seen.lock().await;
        for row in self.log.read(Shard::ZERO, seen.position, usize::MAX).await.unwrap() {
            seen.position = row.position;
            let ends = ["run.succeeded", "run.failed", "run.cancelled", "batch.completed", "batch.partial"];
            if ends.contains(&row.event_type.as_str()) {
                seen.open.remove(&row.stream.id);
            } else if matches!(row.stream.aggregate.as_str(), "run" | "batch") {
                seen.open.insert(row.stream.id, (row.stream.aggregate, row.recorded_at));
            }
        }
        let mut items = Vec::new();
        for (id, (aggregate, changed_at)) in &seen.open {
            let (id, changed_at) = (*id, *changed_at);
            if *aggregate == AggregateType::named("run") {
                items.extend(self.run(RunId(id), changed_at).await);
            } else {
                let batch = self.load::<Batch>(StreamRef::of::<Batch>(id)).await;
                let created = batch.created().unwrap().clone();
                if batch.next_startable().is_some() {
                    let batch = mintmark_domain::ids::BatchId(id);
                    items.push(WorkItem::Batch(PendingBatch { batch, account: created.account, changed_at }));
                }
            }
        }
        items.sort_by_key(WorkItem::cursor);
        items.retain(|item| after.is_none_or(|after| item.cursor() > after));
        items.truncate(limit);
        Ok(items)
    }
}

impl FoldedWork {
    async fn load<A: Clone + 'static>(&self, stream: StreamRef) -> A {
        let loaded = self.decider.load(Shard::ZERO, vec![stream]).await.unwrap();
        loaded[0].state.as_any().downcast_ref::<A>().unwrap().clone()
    }

    async fn run(&self, id: RunId, changed_at: Timestamp) -> Option<WorkItem> {
        let run = self.load::<Run>(StreamRef::of::<Run>(id)).await;
        let requested = run.requested()?;
        if run.status().is_ended() {
            return None;
        }
        let carried = run.status() != mintmark_domain::run::RunStatus::Queued;
        Some(WorkItem::Run(PendingRun {
            run: id,
            account: requested.account,
            provider: requested.provider.clone(),
            status: run.status(),
            node: run.attempt().filter(|_| carried).map(|attempt| attempt.node.clone()),
            cancel_requested: run.cancel_requested_by().is_some(),
            batch: requested.item.map(|item| item.batch),
            changed_at,
        }))
    }
}

/// Where something stops, by the number of the call, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Right before it is done.
    Before(usize),
    /// Right after it was done, before anybody is told.
    After(usize),
    /// Never.
    Never,
}

/// Counts calls, and stops one of them forever.
pub struct Stop {
    pub at: Mutex<At>,
    pub made: AtomicUsize,
    /// A call stands here.
    pub reached: tokio::sync::Notify,
}

impl Default for Stop {
    fn default() -> Self {
        Stop { at: Mutex::new(At::Never), made: AtomicUsize::new(0), reached: tokio::sync::Notify::new() }
    }
}

impl Stop {
    /// Counts from 0 again, and stops there.
    pub fn arm(&self, at: At) {
        self.made.store(0, Ordering::SeqCst);
        *self.at.lock().unwrap() = at;
    }

    async fn begin(&self) -> usize {
        let number = self.made.fetch_add(1, Ordering::SeqCst);
        self.stop_if(At::Before(number)).await;
        number
    }

    async fn end(&self, number: usize) {
        self.stop_if(At::After(number)).await;
    }

    async fn stop_if(&self, here: At) {
        let at = *self.at.lock().unwrap();
        if at == here {
            *self.at.lock().unwrap() = At::Never;
            self.reached.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

/// A decider that can stop at a decision.
pub struct Gate {
    pub inner: Arc<dyn Decider>,
    pub stop: Stop,
    /// A run that no decision can begin.
    pub defect: Mutex<Option<RunId>>,
}

impl Gate {
    /// A gate before that decider.
    pub fn before(inner: Arc<dyn Decider>) -> Self {
        Gate { inner, stop: Stop::default(), defect: Mutex::default() }
    }
}

#[async_trait]
impl Decider for Gate {
    async fn submit(&self, request: DecisionRequest, job: DecisionJob) -> Result<Confirmed, DecideError> {
        let defect = self.defect.lock().unwrap().map(StreamRef::of::<Run>).map(|run| run.stream);
        if defect.is_some_and(|run| request.streams.iter().any(|asked| asked.stream == run)) {
            return Err(DecideError::Defect("the decision failed".into()));
        }
        let number = self.stop.begin().await;
        let made = self.inner.submit(request, job).await;
        self.stop.end(number).await;
        made
    }

    async fn load(&self, shard: Shard, streams: Vec<StreamRef>) -> Result<Vec<Loaded>, DecideError> {
        self.inner.load(shard, streams).await
    }
}

/// A provider of its own, behind a network: takes a job at once and works on it by itself. It outlives
/// our nodes.
pub struct Remote {
    pub name: &'static str,
    pub sandbox: Sandbox,
    pub traits: ProviderTraits,
    /// Nothing answers there.
    pub down: AtomicBool,
    /// Jobs are taken, and submissions never answered.
    pub deaf: AtomicBool,
    /// Submissions get lost on the way, and are never answered.
    pub leaky: AtomicBool,
    pub probes: AtomicUsize,
    /// More questions than that are a defect of whoever asks.
    pub probes_max: AtomicUsize,
    pub under_way_most: AtomicUsize,
    pub under_way: Arc<AtomicUsize>,
}

impl Remote {
    pub fn new(sandbox: Sandbox) -> Self {
        let traits = ProviderTraits {
            takes_client_ids: true,
            concurrency: 8,
            submit_timeout: Duration::from_secs(10),
            job_timeout: Duration::from_secs(120),
            poll_interval: Duration::from_secs(1),
            dies_with_node: false,
        };
        Remote {
            name: "sandbox",
            sandbox,
            traits,
            down: AtomicBool::new(false),
            deaf: AtomicBool::new(false),
            leaky: AtomicBool::new(false),
            probes: AtomicUsize::new(0),
            probes_max: AtomicUsize::new(usize::MAX),
            under_way_most: AtomicUsize::new(0),
            under_way: Arc::default(),
        }
    }

    /// How often each job was handed over; each more than once is a double submission.
    pub fn submissions(&self) -> BTreeMap<String, u32> {
        self.sandbox.jobs().into_iter().map(|job| (job.client_id, job.submissions)).collect()
    }
}

#[async_trait]
impl Provider for Remote {
    fn name(&self) -> &str {
        self.name
    }

    fn traits(&self) -> ProviderTraits {
        self.traits
    }

    async fn submit(&self, job: &Job) -> Result<Submission, SubmitError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(SubmitError::NotSent("connection refused".into()));
        }
        if self.leaky.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.under_way_most.fetch_max(now, Ordering::SeqCst);
        let (sandbox, job, under_way) = (self.sandbox.clone(), job.clone(), Arc::clone(&self.under_way));
        let client_id = job.client_id.clone();
        let work = tokio::spawn(async move {
            let answer = sandbox.submit(&job).await;
            under_way.fetch_sub(1, Ordering::SeqCst);
            answer
        });
        if self.deaf.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        // A refusal or a lost reply is known at once, everything else only later.
        tokio::task::yield_now().await;
        match tokio::time::timeout(Duration::from_millis(1), work).await {
            Ok(answer) => match answer.unwrap() {
                Ok(_) => Ok(Submission::Accepted { provider_request_id: format!("remote_{client_id}") }),
                Err(error) => Err(error),
            },
            Err(_) => Ok(Submission::Accepted { provider_request_id: format!("remote_{client_id}") }),
        }
    }

    async fn probe(&self, client_id: &str) -> Result<Probe, ProviderUnreachable> {
        let asked = self.probes.fetch_add(1, Ordering::SeqCst);
        assert!(asked < self.probes_max.load(Ordering::SeqCst), "it is asked all the time");
        if self.down.load(Ordering::SeqCst) {
            return Err(ProviderUnreachable("connection refused".into()));
        }
        self.sandbox.probe(client_id).await
    }

    async fn cancel(&self, client_id: &str) -> Result<CancelReply, ProviderUnreachable> {
        if self.down.load(Ordering::SeqCst) {
            return Err(ProviderUnreachable("connection refused".into()));
        }
        self.sandbox.cancel(client_id).await
    }
}

/// No run here is given a page.
pub struct NoPages;

#[async_trait]
impl ProductReader for NoPages {
    async fn read(&self, _page: &PageJob) -> Result<ReadProduct, FailureReason> {
        Err(FailureReason { code: "page_unreachable".into(), message: "There are no pages here.".into() })
    }
}
