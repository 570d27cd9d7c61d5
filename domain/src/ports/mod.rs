//! Ports: the traits through which the core reaches the outside world.

mod assets;
mod cli_sessions;
mod clock;
mod directory;
mod identity;
mod provider;
mod running;
mod sign_in;
mod uploads;
mod vault;
mod webhooks;
mod work;

pub use assets::{AssetError, Assets, Links, OwnAddress, OwnSignature, StoredAsset};
pub use cli_sessions::{
    CliSession, CliSessions, CliStatus, OPEN_CLI_SESSIONS_MAX, Verdict as CliVerdict, WRONG_VERIFIERS_MAX,
};
pub use clock::{Clock, Entropy, ManualClock, SeededEntropy};
pub use directory::{Claim, ClaimKind, ClaimRequest, Directory, DirectoryError, IntegerIds, IntegerKind};
pub use identity::{AccessTokens, Identity, IdentityError, TokenGrant};
pub use provider::{
    CancelReply, InputMedia, InputRole, Job, Media, OutputReport, PageJob, Probe, ProductReader, Provider,
    ProviderTraits, ProviderUnreachable, ReadProduct, Report, Submission, SubmitError, WorkflowJob,
};
pub use running::{Dispatch, FetchedInput, InputError, InputFetcher, InputKind, InputWanted, Slot};
pub use sign_in::{KeptPassword, Passwords, SignIns, WebSession};
pub use uploads::{
    KeptUpload, NewUpload, OpenedUpload, StoredUpload, UPLOAD_BYTES_MAX, UploadBody, UploadError, UploadPut, Uploads,
};
pub use vault::{Vault, VaultError};
pub use webhooks::{
    Attempted, BodyError, Claimed, DELIVERY_ATTEMPTS_MAX, DeliveryClaim, DueDelivery, FailingEndpoint, FoundEvents,
    GivenUp, KeptEvent, OutboxEvent, OutboxUnavailable, Postponed, UnreadableEvent, WebhookBodies, WebhookOutbox,
    WebhookSubject,
};
pub use work::{GiftQueue, PendingBatch, PendingRun, Training, TrainingQueue, WorkCursor, WorkItem, WorkQueue, WorkUnavailable};
