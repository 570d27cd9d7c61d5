//! Ports: the traits through which the core reaches the outside world.

mod assets;
mod clock;
mod directory;
mod provider;
mod running;
mod vault;
mod work;

pub use assets::{AssetError, Assets, Links, OwnAddress, OwnSignature, StoredAsset};
pub use clock::{Clock, Entropy, ManualClock, SeededEntropy};
pub use directory::{Claim, ClaimKind, ClaimRequest, Directory, DirectoryError, IntegerIds, IntegerKind};
pub use provider::{
    CancelReply, InputMedia, InputRole, Job, Media, OutputReport, Probe, Provider, ProviderTraits, ProviderUnreachable,
    Report, Submission, SubmitError,
};
pub use running::{Dispatch, FetchedInput, InputError, InputFetcher, InputKind, InputWanted, Slot};
pub use vault::{Vault, VaultError};
pub use work::{PendingBatch, PendingRun, WorkCursor, WorkItem, WorkQueue, WorkUnavailable};
