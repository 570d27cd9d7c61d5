//! Settings of what is stored, uploaded and read from pages.

use serde::{Deserialize, Serialize};

/// Product pages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProductsConfig {
    /// For how long a page that was read is not fetched again for the same account, in seconds.
    pub cache_seconds: u32,
}

impl Default for ProductsConfig {
    fn default() -> Self {
        ProductsConfig { cache_seconds: 3_600 }
    }
}

/// How an S3 API is reached. What is empty is taken from the environment as its own tools take it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3Config {
    /// Where it answers; empty: Amazon's own.
    pub endpoint: String,
    /// The region.
    pub region: String,
    /// The key's id.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: String,
    /// Whether the bucket stands in the host's name rather than in the path.
    pub virtual_hosted: bool,
}

/// Limits of one account's uploads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UploadsConfig {
    /// The most that can be put or read at a time.
    pub count_max: u32,
    /// The most bytes of all of them.
    pub bytes_max: u64,
}

impl Default for UploadsConfig {
    fn default() -> Self {
        UploadsConfig { count_max: 1_000, bytes_max: 100 << 30 }
    }
}
