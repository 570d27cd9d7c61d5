//! Why a URL was not fetched.

/// Why a URL was not fetched. The messages are safe to show to whoever named the URL: they
/// never hold an address that a name resolved to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// The URL itself is not permitted.
    #[error("the URL is not permitted: {0}")]
    Refused(&'static str),
    /// The host has no address that may be reached.
    #[error("`{host}` is not a public address")]
    ForbiddenAddress {
        /// The host as it stands in the URL.
        host: String,
    },
    /// The host does not resolve.
    #[error("`{host}` does not resolve")]
    Unresolvable {
        /// The host as it stands in the URL.
        host: String,
    },
    /// Nothing answers there, or what answers does not speak HTTP over TLS.
    #[error("`{host}` cannot be reached")]
    Unreachable {
        /// The host as it stands in the URL.
        host: String,
    },
    /// The answer was not a success.
    #[error("it answered with status {0}")]
    Status(u16),
    /// Redirected too often.
    #[error("it redirects more than {max} times")]
    TooManyRedirects {
        /// The limit.
        max: u8,
    },
    /// The body is larger than permitted.
    #[error("it is larger than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// It took too long, in all or without progress.
    #[error("it is too slow")]
    TooSlow,
    /// The connection broke, or the body was not what its headers say.
    #[error("the transfer broke off")]
    BrokenOff,
    /// What was fetched could not be written.
    #[error("what was fetched could not be stored: {0}")]
    Store(String),
}

impl EgressError {
    /// Whether the URL itself is at fault, so that trying again is useless.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Refused(_)
            | Self::ForbiddenAddress { .. }
            | Self::TooLarge { .. }
            | Self::TooManyRedirects { .. } => true,
            Self::Unresolvable { .. }
            | Self::Unreachable { .. }
            | Self::Status(_)
            | Self::TooSlow
            | Self::BrokenOff
            | Self::Store(_) => false,
        }
    }
}
