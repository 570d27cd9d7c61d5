//! Inputs that users name: from our own storage, from the built-in samples, or through the guard.

use std::sync::Arc;

use async_trait::async_trait;
use mintmark_domain::ports::{Clock, FetchedInput, InputError, InputFetcher, Links};
use mintmark_media::{MediaClass, probe, sample};
use url::Url;

use crate::assets::AssetStore;
use crate::egress::{Egress, EgressError, FetchLimits, Fetched};

/// Judges and fetches inputs.
pub struct GuardedInputs {
    egress: Egress,
    links: Arc<dyn Links>,
    assets: AssetStore,
    clock: Arc<dyn Clock>,
}

impl GuardedInputs {
    /// Inputs through `egress`; addresses that `links` knows as our own come from `assets`.
    #[must_use]
    pub fn new(egress: Egress, links: Arc<dyn Links>, assets: AssetStore, clock: Arc<dyn Clock>) -> Self {
        GuardedInputs { egress, links, assets, clock }
    }
}

/// What the documents' example addresses answer, by the ending of their path: a picture unless it
/// says otherwise.
#[must_use]
pub fn document_sample(url: &Url) -> Option<Fetched> {
    let name = url.path_segments()?.next_back().unwrap_or_default();
    let class = match name.rsplit('.').next().map(str::to_ascii_lowercase).as_deref() {
        Some("mp4" | "mov" | "webm" | "m4v") => MediaClass::Video,
        Some("wav" | "mp3" | "m4a" | "ogg" | "flac" | "aac") => MediaClass::Audio,
        _ => MediaClass::Image,
    };
    let made = sample(class, name);
    Some(Fetched { content_type: Some(made.content_type.to_owned()), bytes: made.bytes })
}

fn input_error(error: EgressError) -> InputError {
    match error {
        EgressError::Refused(why) => InputError::BadAddress(why.to_owned()),
        EgressError::ForbiddenAddress { .. } => InputError::Forbidden,
        EgressError::TooLarge { bytes_max } => InputError::TooLarge { max_bytes: bytes_max },
        other => InputError::Unreachable(other.to_string()),
    }
}

fn parse(url: &str) -> Result<Url, InputError> {
    Url::parse(url).map_err(|error| InputError::BadAddress(error.to_string()))
}

#[async_trait]
impl InputFetcher for GuardedInputs {
    fn check(&self, url: &str) -> Result<(), InputError> {
        self.egress.judge(&parse(url)?).map_err(input_error)
    }

    async fn fetch(&self, url: &str) -> Result<FetchedInput, InputError> {
        let bytes = match self.links.own(url, self.clock.now()) {
            // Whether the caller may read it was judged when the run was accepted.
            Some(own) => {
                let unreachable = |error: &dyn std::fmt::Display| InputError::Unreachable(error.to_string());
                let key = own.key.parse().map_err(|error| unreachable(&error))?;
                self.assets.get_bytes(&key).await.map_err(|error| unreachable(&error))?
            }
            None => self.egress.fetch(&parse(url)?, FetchLimits::media()).await.map_err(input_error)?.bytes,
        };
        let info = probe(&bytes).map_err(|error| InputError::Unreachable(error.to_string()))?;
        Ok(FetchedInput { content_type: info.content_type().to_owned(), bytes })
    }
}
