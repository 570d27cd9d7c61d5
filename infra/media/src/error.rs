//! What can go wrong while media is made.

/// Why a picture, a video or a sound was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// The asked size is smaller or larger than the limits allow.
    #[error("{width}x{height} is outside of what can be drawn (edges {min} to {max} pixels)")]
    Size {
        /// Asked width in pixels.
        width: u32,
        /// Asked height in pixels.
        height: u32,
        /// Smallest edge in pixels.
        min: u32,
        /// Largest edge in pixels.
        max: u32,
    },
    /// The asked length is nothing or above the limit.
    #[error("{asked_ms} ms is outside of what can be made (1 to {max_ms} ms)")]
    Length {
        /// Asked length in milliseconds.
        asked_ms: u64,
        /// Longest possible length in milliseconds.
        max_ms: u64,
    },
    /// The text to be spoken is too long.
    #[error("{chars} characters are more than can be spoken at once ({max})")]
    TextTooLong {
        /// Characters given.
        chars: usize,
        /// Most characters possible.
        max: usize,
    },
    /// More inputs were given than one picture or video can show.
    #[error("{given} inputs are more than can be shown at once ({max})")]
    TooManyInputs {
        /// Inputs given.
        given: usize,
        /// Most inputs possible.
        max: usize,
    },
    /// A mode that shows inputs was asked for without any.
    #[error("at least one input is needed")]
    NoInput,
    /// An input could not be read: not of a supported kind, damaged, or above a limit.
    #[error("input {index} cannot be read: {reason}")]
    Input {
        /// Place of the input in the request, counted from 0 in the order of the mode's fields.
        index: usize,
        /// What is wrong with it, for people.
        reason: String,
    },
    /// The encoder refused; with sizes and lengths within limits this does not happen.
    #[error("encoding failed: {0}")]
    Encoder(String),
}

impl MediaError {
    /// An unreadable input, see [`MediaError::Input`].
    pub(crate) fn input(index: usize, reason: impl ToString) -> Self {
        Self::Input { index, reason: reason.to_string() }
    }
}
