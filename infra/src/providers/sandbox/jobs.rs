//! The sandbox's jobs: each client id is one job, however often it is handed over.

use std::collections::{BTreeMap, VecDeque};
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
                    OutputReport::Media(Media::Bytes { bytes, .. }) => bytes.len(),
                    OutputReport::Media(_) | OutputReport::Text(_) | OutputReport::Failed(_) => 256,
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
    /// Its state: `running`, `finished`, `failed`, `cancelled`, or `unsent` where it never arrived.
    pub state: String,
}

/// One job.
pub(super) struct Entry {
    pub state: watch::Sender<JobState>,
    pub cards: Cards,
    cancel: CancellationToken,
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
    /// How often each client id was handed over. Kept after the job itself is forgotten.
    submissions: BTreeMap<String, u32>,
    /// Finished jobs, oldest first, with what they weigh.
    finished: VecDeque<(String, usize)>,
    finished_bytes: usize,
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

    /// Counts an attempt that is to look as if it never arrived.
    pub fn note_unsent(&self, client_id: &str) {
        self.table().submissions.entry(client_id.to_owned()).or_insert(0);
    }

    /// Takes a job; the same client id again is the same job.
    pub fn take(self: &Arc<Self>, job: Job, cards: Cards, prompt: String) -> Arc<Entry> {
        let mut table = self.table();
        *table.submissions.entry(job.client_id.clone()).or_insert(0) += 1;
        if let Some(entry) = table.entries.get(&job.client_id) {
            return Arc::clone(entry);
        }
        let (state, _) = watch::channel(JobState::Running(0));
        let entry = Arc::new(Entry { state, cards, cancel: CancellationToken::new() });
        table.entries.insert(job.client_id.clone(), Arc::clone(&entry));
        drop(table);
        if let Some(instant) = self.instant.as_ref().filter(|_| entry.cards == Cards::default()) {
            // Nothing is drawn and nothing was asked for: it is done already.
            let outputs = (0..job.parameters.count).map(|index| instant.output(&job, &prompt, index)).collect();
            let state = Self::finished(&job, &entry.cards, outputs);
            self.finish(&job.client_id, &entry, state);
            return entry;
        }
        let (jobs, work) = (Arc::clone(self), Arc::clone(&entry));
        // It outlives whoever handed it over, as work at a provider does.
        tokio::spawn(async move {
            let state = jobs.work(&job, &work, &prompt).await;
            jobs.finish(&job.client_id, &work, state);
        });
        entry
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
                None => "finished",
            };
            JobSummary { client_id: client_id.clone(), submissions: *submissions, state: state.to_owned() }
        };
        table.submissions.iter().map(summary).collect()
    }

    fn finish(&self, client_id: &str, entry: &Entry, state: JobState) {
        let size = state.size_bytes();
        entry.state.send_replace(state);
        let mut table = self.table();
        table.finished.push_back((client_id.to_owned(), size));
        table.finished_bytes += size;
        while table.finished_bytes > self.settings.kept_bytes_max || table.finished.len() > self.settings.kept_max {
            let Some((oldest, size)) = table.finished.pop_front() else { return };
            table.finished_bytes -= size;
            table.entries.remove(&oldest);
            if table.submissions.len() > self.settings.kept_max * 2 {
                table.submissions.remove(&oldest);
            }
        }
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
