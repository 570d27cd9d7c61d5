//! The sandbox's jobs: each client id is one job, however often it is handed over.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mintmark_domain::ports::{Job, Media, OutputReport, Report};
use mintmark_domain::run::{FailureReason, ReportedCost};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::cards::Cards;
use super::make;
use super::{InstantAssets, SandboxSettings};

/// How often a slow job says how far it is.
const TICK: Duration = Duration::from_millis(100);

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum JobState {
    /// It is being worked on; percent done.
    Running(u8),
    /// It is over.
    Finished(Arc<Report>),
    /// It failed.
    Failed(FailureReason, Option<ReportedCost>),
    /// It was stopped.
    Cancelled(Arc<Report>),
}

impl JobState {
    fn is_over(&self) -> bool {
        !matches!(self, JobState::Running(_))
    }

    fn size_bytes(&self) -> usize {
        match self {
            JobState::Running(_) | JobState::Failed(..) => 0,
            JobState::Finished(report) | JobState::Cancelled(report) => report
                .outputs
                .iter()
                .map(|output| match output {
                    OutputReport::Media(Media::Bytes { bytes, .. })
                    | OutputReport::Both { media: Media::Bytes { bytes, .. }, .. } => bytes.len(),
                    OutputReport::Media(_)
                    | OutputReport::Both { .. }
                    | OutputReport::Text(_)
                    | OutputReport::Failed(_) => 256,
                })
                .sum(),
        }
    }
}

/// What is known of a job, for tests and operators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSummary {
    /// The client's id.
    pub client_id: String,
    /// How often it was handed over. More than once is a defect of the client.
    pub submissions: u32,
    /// Its state: `running`, `finished`, `failed`, `cancelled`, `gone` where it is over and no longer
    /// kept, or `unsent` where it never arrived.
    pub state: String,
}

/// One job.
pub(super) struct Entry {
    pub state: watch::Sender<JobState>,
    pub cards: Cards,
    cancel: CancellationToken,
    /// Which of its files were fetched, one bit each; a run has far fewer than 64.
    files_fetched: AtomicU64,
}

impl Entry {
    /// The files of a job that is over, one bit each; `None` while it runs.
    fn files(&self) -> Option<u64> {
        let state = self.state.borrow();
        let report = match &*state {
            JobState::Running(_) => return None,
            JobState::Failed(..) => return Some(0),
            JobState::Finished(report) | JobState::Cancelled(report) => report,
        };
        let is_file = |output: &OutputReport| {
            matches!(
                output,
                OutputReport::Media(Media::Bytes { .. }) | OutputReport::Both { media: Media::Bytes { .. }, .. }
            )
        };
        let files = report.outputs.iter().enumerate().filter(|(_, output)| is_file(output));
        Some(files.map(|(index, _)| bit(index)).sum())
    }
}

fn bit(index: usize) -> u64 {
    u32::try_from(index).ok().and_then(|index| 1_u64.checked_shl(index)).unwrap_or(0)
}

/// What is known of a client id.
pub(super) enum Known {
    /// It is a job that runs or is kept.
    Job(Arc<Entry>),
    /// It was taken and is over; what it made is no longer kept.
    Gone,
    /// It never arrived.
    Never,
    /// So many have come since that nobody can say.
    Forgotten,
}

/// All jobs of one sandbox.
pub(super) struct Jobs {
    pub settings: SandboxSettings,
    drawing: Arc<Semaphore>,
    table: Mutex<Table>,
    instant: Option<InstantAssets>,
}

#[derive(Default)]
struct Table {
    entries: BTreeMap<String, Arc<Entry>>,
    /// How often each client id was handed over. Kept long after the job itself: "never arrived" is a
    /// proof upon which clients send again.
    submissions: BTreeMap<String, u32>,
    /// The client ids of `submissions`, oldest first.
    recorded: VecDeque<String>,
    /// Some of them had to be forgotten: of what is not known nothing can be said any more.
    forgot: bool,
    /// Jobs that are over and whose client has not got everything yet: what they weigh, and since when.
    unfetched: HashMap<String, (usize, Instant)>,
    unfetched_bytes: usize,
    /// Jobs whose client has everything, oldest first, with what they weigh.
    fetched: VecDeque<(String, usize)>,
    fetched_bytes: usize,
}

impl Table {
    /// Counts a submission. The oldest record goes where there are too many, unless its job is kept.
    fn record(&mut self, client_id: &str, times: u32, records_max: usize) {
        if let Some(known) = self.submissions.get_mut(client_id) {
            *known += times;
            return;
        }
        self.submissions.insert(client_id.to_owned(), times);
        self.recorded.push_back(client_id.to_owned());
        if self.recorded.len() <= records_max {
            return;
        }
        let Some(oldest) = self.recorded.pop_front() else { return };
        if self.entries.contains_key(&oldest) {
            self.recorded.push_back(oldest);
        } else {
            self.submissions.remove(&oldest);
            self.forgot = true;
        }
    }

    /// Whether another job may be taken: what waits to be fetched is bounded, and never thrown away
    /// for the sake of new jobs before its time.
    fn has_room(&mut self, settings: &SandboxSettings) -> bool {
        let full = |table: &Table| {
            table.unfetched_bytes > settings.unfetched_bytes_max || table.unfetched.len() >= settings.kept_max
        };
        if full(self) {
            let stale = self.unfetched.iter().filter(|(_, (_, since))| since.elapsed() > settings.unfetched_kept_for);
            let stale: Vec<String> = stale.map(|(client_id, _)| client_id.clone()).collect();
            for client_id in stale {
                self.entries.remove(&client_id);
                self.unfetched_bytes -= self.unfetched.remove(&client_id).map_or(0, |(size, _)| size);
            }
        }
        !full(self)
    }

    /// Its client has everything: from now on it may go when room is needed. The newest stays however
    /// large it is, so that a transfer that broke off can be made again.
    fn set_fetched(&mut self, client_id: &str, settings: &SandboxSettings) {
        let Some((size, _)) = self.unfetched.remove(client_id) else { return };
        self.unfetched_bytes -= size;
        self.fetched.push_back((client_id.to_owned(), size));
        self.fetched_bytes += size;
        while self.fetched.len() > 1
            && (self.fetched_bytes > settings.kept_bytes_max || self.fetched.len() > settings.kept_max)
        {
            let Some((oldest, size)) = self.fetched.pop_front() else { return };
            self.fetched_bytes -= size;
            self.entries.remove(&oldest);
        }
    }
}

impl Jobs {
    pub fn new(settings: SandboxSettings, instant: Option<InstantAssets>) -> Self {
        let drawing = Arc::new(Semaphore::new(settings.drawing_max.max(1)));
        Jobs { settings, drawing, table: Mutex::default(), instant }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn entry(&self, client_id: &str) -> Option<Arc<Entry>> {
        self.table().entries.get(client_id).cloned()
    }

    pub fn find(&self, client_id: &str) -> Known {
        let table = self.table();
        match (table.entries.get(client_id), table.submissions.get(client_id)) {
            (Some(entry), _) => Known::Job(Arc::clone(entry)),
            (None, Some(0)) => Known::Never,
            (None, Some(_)) => Known::Gone,
            (None, None) if table.forgot => Known::Forgotten,
            (None, None) => Known::Never,
        }
    }

    /// The client was given everything of a job, if that is over.
    pub fn set_fetched(&self, client_id: &str) {
        let mut table = self.table();
        table.set_fetched(client_id, &self.settings);
    }

    /// The client was told how a job ended. Where there are files it has yet to fetch them.
    pub fn set_told(&self, client_id: &str) {
        if self.entry(client_id).is_some_and(|entry| entry.files() == Some(0)) {
            self.set_fetched(client_id);
        }
    }

    /// The client has fetched a file.
    pub fn set_file_fetched(&self, client_id: &str, index: usize) {
        let Some(entry) = self.entry(client_id) else { return };
        let fetched = entry.files_fetched.fetch_or(bit(index), Ordering::SeqCst) | bit(index);
        if entry.files().is_some_and(|files| files & !fetched == 0) {
            self.set_fetched(client_id);
        }
    }

    /// Counts an attempt that is to look as if it never arrived.
    pub fn note_unsent(&self, client_id: &str) {
        self.table().record(client_id, 0, self.settings.records_max);
    }

    /// Takes a job; the same client id again is the same job, and is not made again once it is gone.
    /// `false`: there is no room.
    pub fn take(self: &Arc<Self>, job: Job, cards: Cards, prompt: String) -> bool {
        let mut table = self.table();
        let taken_before = table.submissions.get(&job.client_id).is_some_and(|times| *times > 0);
        if !taken_before && !table.has_room(&self.settings) {
            return false;
        }
        table.record(&job.client_id, 1, self.settings.records_max);
        if taken_before {
            return true;
        }
        let (state, _) = watch::channel(JobState::Running(0));
        let cancel = CancellationToken::new();
        let entry = Arc::new(Entry { state, cards, cancel, files_fetched: AtomicU64::new(0) });
        table.entries.insert(job.client_id.clone(), Arc::clone(&entry));
        drop(table);
        if let Some(instant) = self.instant.as_ref().filter(|_| entry.cards == Cards::default()) {
            // Nothing is drawn and nothing was asked for: it is done already.
            let outputs = (0..job.parameters.count).map(|index| instant.output(&job, &prompt, index)).collect();
            let state = Self::finished(&job, &entry.cards, outputs);
            self.finish(&job.client_id, &entry, state);
            return true;
        }
        let (jobs, work) = (Arc::clone(self), Arc::clone(&entry));
        // It outlives whoever handed it over, as work at a provider does.
        tokio::spawn(async move {
            let state = jobs.work(&job, &work, &prompt).await;
            jobs.finish(&job.client_id, &work, state);
        });
        true
    }

    /// Asks a job to stop. `false`: it is over or does not listen.
    pub fn stop(&self, entry: &Entry) -> bool {
        if entry.cards.stubborn || entry.state.borrow().is_over() {
            return false;
        }
        entry.cancel.cancel();
        true
    }

    pub fn summaries(&self) -> Vec<JobSummary> {
        let table = self.table();
        let summary = |(client_id, submissions): (&String, &u32)| {
            let state = match table.entries.get(client_id).map(|entry| entry.state.borrow().clone()) {
                Some(JobState::Running(_)) => "running",
                Some(JobState::Finished(_)) => "finished",
                Some(JobState::Failed(..)) => "failed",
                Some(JobState::Cancelled(_)) => "cancelled",
                None if *submissions == 0 => "unsent",
                None => "gone",
            };
            JobSummary { client_id: client_id.clone(), submissions: *submissions, state: state.to_owned() }
        };
        table.submissions.iter().map(summary).collect()
    }

    fn finish(&self, client_id: &str, entry: &Entry, state: JobState) {
        let size = state.size_bytes();
        let mut table = self.table();
        table.unfetched.insert(client_id.to_owned(), (size, Instant::now()));
        table.unfetched_bytes += size;
        // Only now: whoever waits for it may have everything before this returns.
        entry.state.send_replace(state);
    }

    async fn work(&self, job: &Job, entry: &Entry, prompt: &str) -> JobState {
        let cards = &entry.cards;
        let (started, count) = (Instant::now(), job.parameters.count.max(1));
        let mut outputs = Vec::with_capacity(count as usize);
        let mut stopped = false;
        for index in 0..count {
            // A slow job makes one output after the other, so that one that is stopped has made some.
            stopped = stopped || !self.take_time(entry, started, cards.slow * (index + 1) / count).await;
            outputs.push(if stopped {
                failed("cancelled", "It was stopped before this was made.")
            } else if cards.fail {
                failed("provider_failed", "The sandbox was asked to fail.")
            } else if index >= count - cards.moderate.unwrap_or(0).min(count) {
                failed("moderated", "This output was withheld by moderation.")
            } else if cards.partial.is_some_and(|made| index >= made) {
                failed("provider_failed", "This output could not be made.")
            } else {
                self.make(job, prompt, index).await
            });
        }
        if cards.fail && !stopped {
            let message = "The sandbox was asked to fail.".to_owned();
            return JobState::Failed(FailureReason { code: "provider_failed".into(), message }, cost(cards));
        }
        match Self::finished(job, cards, outputs) {
            JobState::Finished(report) if stopped => JobState::Cancelled(report),
            state => state,
        }
    }

    fn finished(job: &Job, cards: &Cards, outputs: Vec<OutputReport>) -> JobState {
        let left_open = job.parameters.quality.as_deref() == Some("auto");
        let quality = left_open.then(|| cards.quality.clone().unwrap_or_else(|| "medium".to_owned()));
        let provider_request_id = Some(request_id(&job.client_id));
        JobState::Finished(Arc::new(Report { provider_request_id, outputs, reported_cost: cost(cards), quality }))
    }

    /// Lets time pass until so much has since `started`. `false`: it was stopped meanwhile.
    async fn take_time(&self, entry: &Entry, started: Instant, until: Duration) -> bool {
        let cards = &entry.cards;
        while cards.hang || started.elapsed() < until {
            let left = if cards.hang { TICK } else { until - started.elapsed() };
            tokio::select! {
                biased;
                () = entry.cancel.cancelled(), if !cards.stubborn => return false,
                () = tokio::time::sleep(left.min(TICK.max(cards.slow / 20))) => {}
            }
            let percent = started.elapsed().as_millis() * 100 / cards.slow.as_millis().max(1);
            let percent = if cards.hang { 0 } else { u8::try_from(percent.min(99)).unwrap_or(99) };
            entry.state.send_replace(JobState::Running(percent));
        }
        cards.stubborn || !entry.cancel.is_cancelled()
    }

    async fn make(&self, job: &Job, prompt: &str, index: u32) -> OutputReport {
        if let Some(instant) = &self.instant {
            return instant.output(job, prompt, index);
        }
        // Drawing takes whole cores: so many at a time, and never on the runtime's own threads.
        let Ok(_permit) = Arc::clone(&self.drawing).acquire_owned().await else {
            return failed("provider_failed", "The sandbox is stopping.");
        };
        let (job, prompt) = (job.clone(), prompt.to_owned());
        tokio::task::spawn_blocking(move || make::make(&job, &prompt, index))
            .await
            .unwrap_or_else(|_| failed("provider_failed", "The sandbox stumbled."))
    }
}

/// What a job is said to have cost.
fn cost(cards: &Cards) -> Option<ReportedCost> {
    cards.cost.clone().map(|amount| ReportedCost { amount, currency: "USD".to_owned() })
}

/// The sandbox's own id of a job.
pub(super) fn request_id(client_id: &str) -> String {
    format!("sbx_{client_id}")
}

fn failed(code: &str, message: &str) -> OutputReport {
    OutputReport::Failed(FailureReason { code: code.to_owned(), message: message.to_owned() })
}
