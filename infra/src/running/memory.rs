//! Memory for the inputs of runs: bounded per file, per run and for the whole process.

use std::sync::Arc;
use std::time::Duration;

use mintmark_domain::ids::AccountId;
use mintmark_domain::ports::InputKind;
use mintmark_turns::{Turn, Turns};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::egress::FetchLimits;

/// How many bytes one permit stands for. A permit for each byte would limit a run to 4 GiB.
const UNIT_BYTES: u64 = 1 << 10;

/// How many runs of one account fetch sounds or videos at once.
const ACCOUNT_LARGE_AT_ONCE_MAX: usize = 1;

/// How large inputs may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputLimits {
    /// The most bytes of an image.
    pub image_bytes_max: u64,
    /// The most bytes of a sound.
    pub audio_bytes_max: u64,
    /// The most bytes of a video.
    pub video_bytes_max: u64,
    /// The most bytes of all inputs of a run.
    pub run_bytes_max: u64,
    /// The most bytes of all inputs that this process holds at once; what finds no room waits. Never
    /// less than one run may have.
    pub process_bytes_max: u64,
    /// How long a run waits for room before it fails at no cost.
    pub wait_max: Duration,
}

impl Default for InputLimits {
    fn default() -> Self {
        InputLimits {
            image_bytes_max: FetchLimits::IMAGE_BYTES_MAX,
            audio_bytes_max: FetchLimits::MEDIA_BYTES_MAX,
            video_bytes_max: FetchLimits::MEDIA_BYTES_MAX,
            run_bytes_max: 600_000_000,
            process_bytes_max: 1 << 30,
            wait_max: Duration::from_secs(600),
        }
    }
}

impl InputLimits {
    /// The most bytes of one file of that kind.
    #[must_use]
    pub fn of(&self, kind: InputKind) -> u64 {
        match kind {
            InputKind::Image => self.image_bytes_max,
            InputKind::Audio => self.audio_bytes_max,
            InputKind::Video | InputKind::Recording => self.video_bytes_max,
        }
    }
}

/// The memory of one process for inputs.
pub(super) struct InputMemory {
    limits: InputLimits,
    free: Arc<Semaphore>,
    large: Turns,
}

/// Memory that one run has taken; given back when dropped.
#[derive(Default)]
pub(super) struct Room(Option<OwnedSemaphorePermit>);

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
}

impl InputMemory {
    pub fn new(limits: InputLimits) -> Self {
        let most = units(limits.process_bytes_max.max(limits.run_bytes_max));
        let large = Turns::new(Semaphore::MAX_PERMITS, ACCOUNT_LARGE_AT_ONCE_MAX);
        InputMemory { limits, free: Arc::new(Semaphore::new(most as usize)), large }
    }

    /// A turn to fetch sounds and videos, which claim much of the memory for as long as they come in.
    pub async fn large_turn(&self, account: AccountId) -> Option<Turn> {
        self.large.take(account, self.limits.wait_max).await
    }

    pub fn limits(&self) -> InputLimits {
        self.limits
    }

    /// Makes a room as large as `bytes`, if there is that much free now.
    pub fn extend(&self, room: &mut Room, bytes: u64) -> bool {
        let missing = units(bytes).saturating_sub(room.units());
        let Ok(more) = Arc::clone(&self.free).try_acquire_many_owned(missing) else { return false };
        match &mut room.0 {
            Some(taken) => taken.merge(more),
            None => room.0 = Some(more),
        }
        true
    }

    /// Waits for room for `bytes` in all, or for as much as a run may have. Whoever waits holds
    /// nothing, and is served in turn. `None`: there was none in time.
    pub async fn wait_for(&self, bytes: u64) -> Option<Room> {
        let wanted = units(bytes.min(self.limits.run_bytes_max));
        let room = timeout(self.limits.wait_max, Arc::clone(&self.free).acquire_many_owned(wanted)).await;
        room.ok().and_then(Result::ok).map(|permit| Room(Some(permit)))
    }
}

impl Room {
    fn units(&self) -> u32 {
        let permits = self.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        u32::try_from(permits).unwrap_or(u32::MAX)
    }

    /// Gives back what is more than `bytes`.
    pub fn shrink(&mut self, bytes: u64) {
        let more = self.units().saturating_sub(units(bytes));
        drop(self.0.as_mut().and_then(|taken| taken.split(more as usize)));
    }
}
