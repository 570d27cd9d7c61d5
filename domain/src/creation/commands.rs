//! What can be asked of a creation.

use super::events::{License, OpenedCreation, Output, Privacy};
use crate::ids::AccountId;
use crate::run::FailureReason;

/// Who wants a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// An account; only the owner may.
    Account(AccountId),
    /// The operator.
    Operator,
}

/// A command to a creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreationCommand {
    /// Open it, with the run that makes it.
    Open(Box<OpenedCreation>),
    /// It was made.
    Complete {
        /// What was delivered.
        output: Output,
    },
    /// It was not made.
    Fail {
        /// Why.
        reason: FailureReason,
    },
    /// Its run was stopped.
    Cancel,
    /// Change who may see it.
    SetPrivacy {
        /// Who wants it.
        by: By,
        /// Who may see it.
        privacy: Privacy,
    },
    /// Change its licence.
    SetLicense {
        /// Who wants it.
        by: By,
        /// The licence.
        license: License,
    },
    /// Delete it.
    Delete {
        /// Who wants it.
        by: By,
    },
    /// Hide it; the operator's act.
    Hide {
        /// Why.
        reason: String,
    },
}
