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
    /// Most bytes of a page, or of an answer to a webhook.
    pub const PAGE_BYTES_MAX: u64 = 5 * 1024 * 1024;

    /// For an image.
    #[must_use]
    pub const fn image() -> Self {
        Self { bytes_max: Self::IMAGE_BYTES_MAX, ..Self::page() }
    }

    /// For a sound or a video.
    #[must_use]
    pub const fn media() -> Self {
        Self { bytes_max: Self::MEDIA_BYTES_MAX, total: Duration::from_secs(300), ..Self::page() }
    }

    /// For a page.
    #[must_use]
    pub const fn page() -> Self {
        Self {
            bytes_max: Self::PAGE_BYTES_MAX,
            total: Duration::from_secs(60),
            idle: Duration::from_secs(10),
            redirects_max: 5,
        }
    }

    /// For a webhook's delivery. Redirects are not followed by [`super::Egress::post`].
    #[must_use]
    pub const fn webhook() -> Self {
        Self { bytes_max: 64 * 1024, total: Duration::from_secs(15), idle: Duration::from_secs(15), redirects_max: 0 }
    }
}
