//! Why a creation refuses.

/// A refusal by a creation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreationError {
    /// There is no such creation, or it was deleted.
    #[error("there is no such creation")]
    NotFound,
    /// The number belongs to another creation.
    #[error("the creation exists with other content")]
    OtherCreation,
    /// Only its owner may change it.
    #[error("only its owner may change a creation")]
    NotOwner,
    /// It was made, failed or cancelled already, and not like this.
    #[error("the creation is finished")]
    Finished,
}
