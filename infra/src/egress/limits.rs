//! Limits of one fetch.

use std::time::Duration;

/// Limits of one fetch, redirects included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// Most bytes of the body, after decompression.
    pub bytes_max: u64,
    /// Most time in all.
    pub total: Duration,
    /// Most time without a byte of progress.
    pub idle: Duration,
    /// Most redirects that are followed.
    pub redirects_max: u8,
}

impl FetchLimits {
    /// Most bytes of an image.
    pub const IMAGE_BYTES_MAX: u64 = 50 * 1024 * 1024;
    /// Most bytes of media that is priced by its length.
    pub const MEDIA_BYTES_MAX: u64 = 500 * 1000 * 1000;

    /// For an image.
    #[must_use]
    pub const fn image() -> Self {
        Self::of(Self::IMAGE_BYTES_MAX)
    }

    /// For a sound or a video.
    #[must_use]
    pub const fn media() -> Self {
        Self { total: Duration::from_secs(300), ..Self::of(Self::MEDIA_BYTES_MAX) }
    }

    /// For a post whose answer matters by its status: so much of the body is read, and no redirect is
    /// followed.
    #[must_use]
    pub const fn posting(bytes_max: u64, within: Duration) -> Self {
        Self { bytes_max, total: within, idle: within, redirects_max: 0 }
    }

    /// What all kinds have in common.
    const fn of(bytes_max: u64) -> Self {
        Self { bytes_max, total: Duration::from_secs(60), idle: Duration::from_secs(10), redirects_max: 5 }
    }
}
