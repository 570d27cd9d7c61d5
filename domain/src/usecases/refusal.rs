//! Why a use case refuses, and the class that every adapter maps to a status and envelope.

use super::cli_login::CliProblem;
use crate::Credits;
use crate::account::{AccountError, Scope};
use crate::batch::BatchError;
use crate::bonus::BonusError;
use crate::catalog::{AskProblem, InputProblem};
use crate::creation::CreationError;
use crate::es::DecideError;
use crate::gift::{GiftError, ReceiptError};
use crate::money::PriceProblem;
use crate::payment::PaymentError;
use crate::ports::{AssetError, DirectoryError, IdentityError, InputError, VaultError};
use crate::project::ProjectError;
use crate::run::RunError;
use crate::social::{CommentError, FollowError, RatingError, VoteError};
use crate::team::{AllowanceError, TeamError};
use crate::wallet::WalletError;
use crate::webhook::{RosterError, WebhookError};

/// What kind of refusal it is. Each adapter has one table from class to status and envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Not known who asks.
    Unauthenticated,
    /// Known, and not allowed.
    Forbidden,
    /// Does not exist, or not for the caller.
    NotFound,
    /// The request is wrong.
    Validation,
    /// Not enough credits.
    InsufficientCredits,
    /// The idempotency key was used for another request.
    IdempotencyReused,
    /// It contradicts what is already true.
    Conflict,
    /// Somebody else has to do something first; worth asking again.
    NotYet,
    /// It was there, and is not any more.
    Gone,
    /// Too much at the moment; worth trying again.
    Overloaded,
    /// A defect of ours.
    Internal,
}

/// Why a use case did not do what was asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// No credential, or one that is not known.
    #[error("missing or invalid API key")]
    Unauthenticated,
    /// The account or key may not.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The wallet may not.
    #[error(transparent)]
    Wallet(WalletError),
    /// Not enough credits: names the scope that bound, what is needed and what there is.
    #[error("insufficient credits: {needed} needed, {available} available in {scope}")]
    Insufficient {
        /// What the request costs at most.
        needed: Credits,
        /// What can be spent.
        available: Credits,
        /// Which purse bound: `account`, or `the team's wallet`.
        scope: &'static str,
    },
    /// The model refuses what was asked.
    #[error("{0}")]
    Ask(AskProblem),
    /// It cannot be priced.
    #[error(transparent)]
    Price(#[from] PriceProblem),
    /// The model is listed, and nothing here carries it out.
    #[error("the model {model} is not available")]
    ModelUnavailable {
        /// By the name that was asked for.
        model: String,
    },
    /// A field is wrong.
    #[error("{field}: {message}")]
    Field {
        /// The field, in our own words.
        field: &'static str,
        /// Stable, for programs.
        code: &'static str,
        /// What is wrong and what is allowed.
        message: String,
    },
    /// A field that a workflow was given is wrong.
    #[error("{0}")]
    Given(InputProblem),
    /// An input cannot be had.
    #[error("{field}: {problem}")]
    Input {
        /// The field, in our own words.
        field: &'static str,
        /// Why.
        problem: InputError,
    },
    /// An item of a batch is refused, and with it the batch.
    #[error("item {index}: {problem}")]
    Item {
        /// Which, from 0.
        index: u32,
        /// Why.
        problem: Box<Refusal>,
    },
    /// The key is not 1 to 255 printable characters.
    #[error("an idempotency key has 1 to 255 printable ASCII characters")]
    BadIdempotencyKey,
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    IdempotencyReused,
    /// There is no such thing, or not for the caller.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The run may not.
    #[error(transparent)]
    Run(RunError),
    /// The creation may not.
    #[error(transparent)]
    Creation(#[from] CreationError),
    /// The batch may not.
    #[error(transparent)]
    Batch(BatchError),
    /// The project may not.
    #[error(transparent)]
    Project(ProjectError),
    /// The payment may not.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// The bonus may not.
    #[error(transparent)]
    Bonus(#[from] BonusError),
    /// The webhook endpoint may not.
    #[error(transparent)]
    Webhook(WebhookError),
    /// The account has as many webhook endpoints as it may.
    #[error(transparent)]
    WebhookRoster(#[from] RosterError),
    /// The follow may not.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// The comment may not.
    #[error(transparent)]
    Comment(CommentError),
    /// The vote may not.
    #[error(transparent)]
    Vote(#[from] VoteError),
    /// The rating may not.
    #[error(transparent)]
    Rating(#[from] RatingError),
    /// The team may not.
    #[error(transparent)]
    Team(TeamError),
    /// What a team lets a member spend does not suffice.
    #[error("insufficient credits: {0}")]
    Allowance(AllowanceError),
    /// The gift may not.
    #[error(transparent)]
    Gift(GiftError),
    /// The receiver's side of a gift may not.
    #[error(transparent)]
    GiftReceipt(#[from] ReceiptError),
    /// A unique name is taken.
    #[error("{0} is taken")]
    Taken(&'static str),
    /// The decision could not be made.
    #[error(transparent)]
    Decide(#[from] DecideError),
    /// The directory could not be asked.
    #[error(transparent)]
    Directory(DirectoryError),
    /// The vault could not be asked.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A command line's sign-in does not go on.
    #[error(transparent)]
    CliSession(#[from] CliProblem),
    /// Tokens, sessions or passwords could not be asked.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Storage could not be asked.
    #[error(transparent)]
    Asset(#[from] AssetError),
}

impl From<DirectoryError> for Refusal {
    fn from(error: DirectoryError) -> Self {
        Refusal::Directory(error)
    }
}

impl From<WalletError> for Refusal {
    fn from(error: WalletError) -> Self {
        match error {
            WalletError::Insufficient { needed, available } => {
                Refusal::Insufficient { needed, available, scope: "account" }
            }
            other => Refusal::Wallet(other),
        }
    }
}

impl From<RunError> for Refusal {
    fn from(error: RunError) -> Self {
        match error {
            RunError::NotFound => Refusal::NotFound("run"),
            RunError::OtherRequest => Refusal::IdempotencyReused,
            other => Refusal::Run(other),
        }
    }
}

impl From<BatchError> for Refusal {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::NotFound => Refusal::NotFound("batch"),
            BatchError::OtherRequest => Refusal::IdempotencyReused,
            other => Refusal::Batch(other),
        }
    }
}

impl From<ProjectError> for Refusal {
    fn from(error: ProjectError) -> Self {
        match error {
            ProjectError::NotFound | ProjectError::OtherOwner => Refusal::NotFound("project"),
            other @ ProjectError::NotNow(_) => Refusal::Project(other),
        }
    }
}

impl From<WebhookError> for Refusal {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::NotFound => Refusal::NotFound("webhook endpoint"),
            other => Refusal::Webhook(other),
        }
    }
}

impl From<InputProblem> for Refusal {
    fn from(problem: InputProblem) -> Self {
        Refusal::Given(problem)
    }
}

impl From<AskProblem> for Refusal {
    fn from(problem: AskProblem) -> Self {
        Refusal::Ask(problem)
    }
}

impl Refusal {
    /// A field that is wrong.
    #[must_use]
    pub fn field(field: &'static str, message: impl Into<String>) -> Self {
        Refusal::Field { field, code: "invalid_value", message: message.into() }
    }

    /// The class and the stable code, for every adapter.
    #[must_use]
    pub fn public(&self) -> (ErrorClass, &'static str) {
        match self {
            Refusal::Unauthenticated => (ErrorClass::Unauthenticated, "unauthorized"),
            Refusal::Account(error) => error.public(),
            Refusal::Wallet(error) => wallet_class(error),
            Refusal::Insufficient { .. } => (ErrorClass::InsufficientCredits, "insufficient_credits"),
            Refusal::Ask(problem) => (ErrorClass::Validation, problem.code().as_str()),
            Refusal::Price(problem) => (ErrorClass::Validation, problem.code()),
            Refusal::ModelUnavailable { .. } => (ErrorClass::Validation, "model_unavailable"),
            Refusal::Field { code, .. } => (ErrorClass::Validation, code),
            Refusal::Given(problem) => (ErrorClass::Validation, problem.code),
            Refusal::Project(error) => match error {
                ProjectError::NotFound | ProjectError::OtherOwner => (ErrorClass::NotFound, "not_found"),
                ProjectError::NotNow(_) => (ErrorClass::Conflict, "conflict"),
            },
            Refusal::Input { problem, .. } => match problem {
                InputError::Busy => (ErrorClass::Overloaded, problem.code()),
                InputError::BadAddress(_)
                | InputError::Forbidden
                | InputError::Unreachable(_)
                | InputError::TooLarge { .. }
                | InputError::OtherKind { .. }
                | InputError::Unsupported(_)
                | InputError::Unreadable(_)
                | InputError::NoLength => (ErrorClass::Validation, problem.code()),
            },
            Refusal::Item { problem, .. } => problem.public(),
            Refusal::BadIdempotencyKey => (ErrorClass::Validation, "invalid_idempotency_key"),
            Refusal::IdempotencyReused => (ErrorClass::IdempotencyReused, "idempotency_key_reused"),
            Refusal::NotFound(_) => (ErrorClass::NotFound, "not_found"),
            Refusal::Run(error) => match error {
                RunError::NotFound => (ErrorClass::NotFound, "not_found"),
                RunError::BadOutputCount { .. } => (ErrorClass::Validation, "invalid_count"),
                RunError::RefundTooMuch { .. } | RunError::BadRefundParts => (ErrorClass::Validation, "invalid_amount"),
                RunError::OtherRequest
                | RunError::Ended(_)
                | RunError::AttemptLive { .. }
                | RunError::NotTheAttempt { .. }
                | RunError::Replaced { .. }
                | RunError::OtherSubmission { .. }
                | RunError::AlreadySent
                | RunError::CancelRequested
                | RunError::TooManyAttempts { .. }
                | RunError::OutcomeCount { .. }
                | RunError::DeliveryMismatch
                | RunError::CapturedTooMuch { .. }
                | RunError::OtherRefund { .. }
                | RunError::TooManyRefunds { .. }
                | RunError::NotEnded => (ErrorClass::Conflict, "conflict"),
            },
            Refusal::Creation(error) => match error {
                CreationError::NotFound => (ErrorClass::NotFound, "not_found"),
                CreationError::NotOwner => (ErrorClass::Forbidden, "not_owner"),
                CreationError::OtherCreation | CreationError::Finished => (ErrorClass::Conflict, "conflict"),
            },
            Refusal::Batch(error) => match error {
                BatchError::NotFound => (ErrorClass::NotFound, "not_found"),
                BatchError::BadItems { .. } | BatchError::BadConcurrency { .. } | BatchError::NoSuchItem { .. } => {
                    (ErrorClass::Validation, "invalid_batch")
                }
                BatchError::OtherRequest
                | BatchError::Saturated { .. }
                | BatchError::ItemPast { .. }
                | BatchError::Cancelling
                | BatchError::Ended(_) => (ErrorClass::Conflict, "conflict"),
            },
            Refusal::Payment(error) => match error {
                PaymentError::NotFound => (ErrorClass::NotFound, "not_found"),
                PaymentError::OtherPayment | PaymentError::OtherReversal => (ErrorClass::Conflict, "conflict"),
                PaymentError::NotPositive | PaymentError::TooMuch { .. } => (ErrorClass::Validation, "invalid_amount"),
                PaymentError::TooManyReversals { .. } => (ErrorClass::Validation, "too_many"),
            },
            Refusal::Bonus(_) => (ErrorClass::Conflict, "conflict"),
            Refusal::Webhook(error) => match error {
                WebhookError::NotFound => (ErrorClass::NotFound, "not_found"),
                WebhookError::NoTopics => (ErrorClass::Validation, "invalid_value"),
                WebhookError::OtherEndpoint | WebhookError::NotWarned | WebhookError::ChangedMeanwhile => {
                    (ErrorClass::Conflict, "conflict")
                }
                WebhookError::OverlapLasts { .. } => (ErrorClass::Conflict, "overlap_lasts"),
            },
            Refusal::WebhookRoster(error) => match error {
                RosterError::TooMany { .. } => (ErrorClass::Validation, "too_many"),
            },
            Refusal::Follow(_)
            | Refusal::Comment(_)
            | Refusal::Vote(_)
            | Refusal::Rating(_)
            | Refusal::Team(_)
            | Refusal::Allowance(_)
            | Refusal::Gift(_)
            | Refusal::GiftReceipt(_) => self.among_people(),
            Refusal::Taken(_) => (ErrorClass::Validation, "taken"),
            Refusal::Decide(error) => match error {
                DecideError::Overloaded { .. } => (ErrorClass::Overloaded, "overloaded"),
                DecideError::Unsettled(_) => (ErrorClass::Overloaded, "unsettled"),
                DecideError::Unavailable(_) | DecideError::Stopping | DecideError::Unreadable(_) => {
                    (ErrorClass::Overloaded, "unavailable")
                }
                DecideError::Defect(_) => (ErrorClass::Internal, "internal_error"),
            },
            Refusal::Directory(error) => match error {
                DirectoryError::Taken => (ErrorClass::Validation, "taken"),
                DirectoryError::BadValue => (ErrorClass::Validation, "invalid_value"),
                DirectoryError::Unavailable(_) => (ErrorClass::Overloaded, "unavailable"),
                DirectoryError::Corrupt(_) => (ErrorClass::Internal, "internal_error"),
            },
            Refusal::Vault(error) => match error {
                VaultError::Unavailable(_) => (ErrorClass::Overloaded, "unavailable"),
                VaultError::Erased => (ErrorClass::Forbidden, "erased"),
                VaultError::Corrupt(_) => (ErrorClass::Internal, "internal_error"),
            },
            Refusal::CliSession(problem) => match problem {
                CliProblem::Pending => (ErrorClass::NotYet, "authorization_pending"),
                CliProblem::Denied => (ErrorClass::Forbidden, "access_denied"),
                CliProblem::Expired => (ErrorClass::Gone, "session_expired"),
                CliProblem::Used => (ErrorClass::Gone, "session_used"),
                CliProblem::Decided => (ErrorClass::Conflict, "session_decided"),
            },
            Refusal::Identity(error) => match error {
                IdentityError::Unavailable(_) => (ErrorClass::Overloaded, "unavailable"),
                IdentityError::Full(_) => (ErrorClass::Overloaded, "overloaded"),
                IdentityError::Corrupt(_) => (ErrorClass::Internal, "internal_error"),
            },
            Refusal::Asset(error) => match error {
                AssetError::NotFound | AssetError::BadKey => (ErrorClass::NotFound, "not_found"),
                AssetError::Unavailable(_) => (ErrorClass::Overloaded, "unavailable"),
            },
        }
    }

    /// For an overload: after how many whole seconds it is worth trying again.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Refusal::Decide(DecideError::Overloaded { retry_after }) => Some(retry_after.as_secs().max(1)),
            other if other.public().0 == ErrorClass::Overloaded => Some(1),
            _ => None,
        }
    }
}

impl AccountError {
    /// The class and the stable code.
    #[must_use]
    pub fn public(&self) -> (ErrorClass, &'static str) {
        match self {
            AccountError::NotFound | AccountError::KeyRevoked | AccountError::ClientRevoked | AccountError::Erased => {
                (ErrorClass::Unauthenticated, "unauthorized")
            }
            AccountError::Suspended => (ErrorClass::Forbidden, "account_suspended"),
            AccountError::MissingScope(Scope::Admin | Scope::AuditRead) => {
                (ErrorClass::Forbidden, "insufficient_scope")
            }
            AccountError::MissingScope(_) => (ErrorClass::Forbidden, "insufficient_scope"),
            AccountError::WiderThanMaker | AccountError::OperatorsScope(_) => (ErrorClass::Forbidden, "scope_too_wide"),
            AccountError::NoSuchKey
            | AccountError::NoSuchClient
            | AccountError::NoSuchVoice
            | AccountError::NoSuchInfluencer => (ErrorClass::NotFound, "not_found"),
            AccountError::TooManyKeys { .. } | AccountError::TooMany { .. } => (ErrorClass::Validation, "too_many"),
            AccountError::NoScopes => (ErrorClass::Validation, "invalid_scopes"),
            AccountError::BadMove => (ErrorClass::Validation, "invalid_status"),
            AccountError::HandleTaken => (ErrorClass::Validation, "taken"),
            AccountError::Exists | AccountError::IdTaken => (ErrorClass::Conflict, "conflict"),
        }
    }
}

fn wallet_class(error: &WalletError) -> (ErrorClass, &'static str) {
    match error {
        WalletError::Insufficient { .. } => (ErrorClass::InsufficientCredits, "insufficient_credits"),
        WalletError::NotPositive | WalletError::TooMuch | WalletError::OwesTooMuch | WalletError::ExpiryInPast => {
            (ErrorClass::Validation, "invalid_amount")
        }
        WalletError::TooManyHolds { .. } | WalletError::TooManyLots { .. } => (ErrorClass::Overloaded, "too_many_open"),
        WalletError::NotOpen => (ErrorClass::NotFound, "not_found"),
        WalletError::OtherOwner
        | WalletError::HoldMismatch { .. }
        | WalletError::HoldNotOpen { .. }
        | WalletError::HoldTooSmall { .. } => (ErrorClass::Conflict, "conflict"),
    }
}
