//! Running: who starts what was accepted, and who says when it has ended.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::Timestamp;
use crate::ids::{AccountId, BatchId, RunId};

/// A place kept for one run, so that its first append can say that this node starts it at once.
/// Dropping it gives the place back.
pub trait Slot: Send + Sync {
    /// The node that will send it.
    fn node(&self) -> &str;

    /// Until when it may be sent.
    fn submit_by(&self, now: Timestamp) -> Timestamp;
}

/// Starts runs.
#[async_trait]
pub trait Dispatch: Send + Sync + 'static {
    /// Keeps a place at `provider` for a run of `account`, if it can start at once: nobody waits
    /// before it and the provider has room.
    fn reserve(&self, provider: &str, account: AccountId) -> Option<Box<dyn Slot>>;

    /// A run was accepted: start it in the place kept for it, or queue it.
    fn accepted(&self, run: RunId, account: AccountId, provider: &str, slot: Option<Box<dyn Slot>>);

    /// A run was accepted and starts in the place kept for it. What its first append holds comes
    /// along, so that neither the log nor the vault has to be asked for it again.
    fn starts(
        &self,
        run: RunId,
        account: AccountId,
        provider: &str,
        slot: Box<dyn Slot>,
        state: &crate::run::Run,
        inputs: crate::run::Inputs,
    ) {
        let _ = (state, inputs);
        self.accepted(run, account, provider, Some(slot));
    }

    /// A batch was accepted or may go on.
    fn batch(&self, batch: BatchId, account: AccountId);

    /// A run's owner wants it stopped: see to it now rather than at the next look.
    fn cancel_requested(&self, run: RunId);

    /// Waits until a run has ended, `within` at most. Whether it has.
    async fn ended(&self, run: RunId, within: Duration) -> bool;

    /// Percent done, where the provider says so and this node knows.
    fn progress(&self, run: RunId) -> Option<u8>;
}

/// Why an input cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// Not an address that is fetched at all: not https, no host, credentials in it.
    #[error("not an address that can be fetched: {0}")]
    BadAddress(String),
    /// An address that must not be reached from here.
    #[error("the address is not public")]
    Forbidden,
    /// It did not answer, or not with a file.
    #[error("the address cannot be reached: {0}")]
    Unreachable(String),
    /// More than is taken.
    #[error("the file is larger than {max_bytes} bytes")]
    TooLarge {
        /// The limit.
        max_bytes: u64,
    },
    /// A source that nobody here can fetch from.
    #[error("this server cannot fetch from there: {0}")]
    Unsupported(&'static str),
    /// Something came, and it is no picture, sound or video that can be read.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    /// A sound or a video whose length cannot be told, so that it cannot be priced.
    #[error("its length cannot be told")]
    NoLength,
    /// As many files are being measured as may be at once, of all accounts or of this one.
    #[error("too many files are being measured")]
    Busy,
    /// A file, but not of the kind that belongs there.
    #[error("the file is {found}, where {} is wanted", wanted.as_str())]
    OtherKind {
        /// Its media type.
        found: String,
        /// What belongs there.
        wanted: InputKind,
    },
}

impl InputError {
    /// The codes of what is wrong with the file or its address, which another request can mend.
    pub const CODES_OF_THE_FILE: [&'static str; 8] = [
        "invalid_url",
        "forbidden_url",
        "input_unreachable",
        "input_too_large",
        "source_unsupported",
        "input_unreadable",
        "input_without_length",
        "input_of_other_kind",
    ];

    /// The stable code: one of [`Self::CODES_OF_THE_FILE`], or `overloaded`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            InputError::BadAddress(_) => Self::CODES_OF_THE_FILE[0],
            InputError::Forbidden => Self::CODES_OF_THE_FILE[1],
            InputError::Unreachable(_) => Self::CODES_OF_THE_FILE[2],
            InputError::TooLarge { .. } => Self::CODES_OF_THE_FILE[3],
            InputError::Unsupported(_) => Self::CODES_OF_THE_FILE[4],
            InputError::Unreadable(_) => Self::CODES_OF_THE_FILE[5],
            InputError::NoLength => Self::CODES_OF_THE_FILE[6],
            InputError::OtherKind { .. } => Self::CODES_OF_THE_FILE[7],
            InputError::Busy => "overloaded",
        }
    }
}

/// What kind of file an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputKind {
    /// A picture.
    Image,
    /// A sound.
    Audio,
    /// A video, with or without sound.
    Video,
    /// A sound, or a video that has one.
    Recording,
}

impl InputKind {
    /// In messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            InputKind::Image => "an image",
            InputKind::Audio => "a sound",
            InputKind::Video => "a video",
            InputKind::Recording => "a sound or a video",
        }
    }
}

/// What an input has to be to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputWanted {
    /// What kind of file.
    pub kind: InputKind,
    /// The most bytes of it.
    pub bytes_max: u64,
}

/// A fetched input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedInput {
    /// Its media type, as found in its bytes rather than as claimed.
    pub content_type: String,
    /// The file.
    pub bytes: Bytes,
}

/// Fetches what a user names: through the guard, from our own storage, or from the built-in samples.
#[async_trait]
pub trait InputFetcher: Send + Sync + 'static {
    /// Judges an address without fetching it, so that a hopeless request is refused before its hold.
    fn check(&self, url: &str) -> Result<(), InputError>;

    /// Judges where an address leads by now, still without fetching it: its host is resolved.
    async fn check_target(&self, url: &str) -> Result<(), InputError> {
        self.check(url)
    }

    /// Fetches it, if it is what is wanted.
    async fn fetch(&self, url: &str, wanted: InputWanted) -> Result<FetchedInput, InputError>;

    /// A picture as a profile shows it: a small square JPEG, and nothing of what the camera wrote beside the
    /// pixels. `account` is whose turn it takes. Errors: not a picture, or one that cannot be read; no turn in time.
    async fn portrait(&self, account: AccountId, picture: Bytes) -> Result<Bytes, InputError>;

    /// How long a sound or a video lasts, in milliseconds: read to its end, and let go of. For what is
    /// priced by its length. `account` is whose turn it takes.
    async fn measure(&self, account: AccountId, url: &str, wanted: InputWanted) -> Result<u64, InputError>;
}
