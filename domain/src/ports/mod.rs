//! Ports: the traits through which the core reaches the outside world.

mod assets;
mod clock;
mod directory;
mod provider;
mod running;
mod uploads;
mod vault;
mod work;

pub use assets::{AssetError, Assets, Links, OwnAddress, OwnSignature, StoredAsset};
pub use clock::{Clock, Entropy, ManualClock, SeededEntropy};
pub use directory::{Claim, ClaimKind, ClaimRequest, Directory, DirectoryError, IntegerIds, IntegerKind};
pub use provider::{
    CancelReply, InputMedia, InputRole, Job, Media, OutputReport, PageJob, Probe, ProductReader, Provider,
    ProviderTraits, ProviderUnreachable, ReadProduct, Report, Submission, SubmitError, WorkflowJob,
};
pub use running::{Dispatch, FetchedInput, InputError, InputFetcher, InputKind, InputWanted, Slot};
pub use uploads::{
    NewUpload, OpenedUpload, StoredUpload, UPLOAD_BYTES_MAX, UploadBody, UploadError, UploadPut, Uploads,
};
pub use vault::{Vault, VaultError};
pub use work::{PendingBatch, PendingRun, WorkCursor, WorkItem, WorkQueue, WorkUnavailable};
