//! Inputs that users name: from our own storage, from the built-in samples, or through the guard.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use mintmark_domain::ports::{Clock, FetchedInput, InputError, InputFetcher, InputKind, InputWanted, Links};
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
    Some(Fetched { content_type: Some(made.content_type.to_owned()), charset: None, bytes: made.bytes })
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

fn class(kind: InputKind) -> MediaClass {
    match kind {
        InputKind::Image => MediaClass::Image,
        InputKind::Audio => MediaClass::Audio,
        InputKind::Video => MediaClass::Video,
    }
}

fn limits(wanted: InputWanted) -> FetchLimits {
    let usual = match wanted.kind {
        InputKind::Image => FetchLimits::image(),
        InputKind::Audio | InputKind::Video => FetchLimits::media(),
    };
    FetchLimits { bytes_max: wanted.bytes_max, ..usual }
}

impl GuardedInputs {
    /// A file of our own storage. An upload may be far larger than an input: it is not read then.
    async fn read_own(&self, key: &str, bytes_max: u64) -> Result<Bytes, InputError> {
        let unreachable = |error: &dyn std::fmt::Display| InputError::Unreachable(error.to_string());
        let key = key.parse().map_err(|error| unreachable(&error))?;
        let mut file = self.assets.get(&key, None).await.map_err(|error| unreachable(&error))?;
        let too_large = InputError::TooLarge { max_bytes: bytes_max };
        let size = usize::try_from(file.head.size_bytes).ok().filter(|_| file.head.size_bytes <= bytes_max);
        let mut bytes = BytesMut::with_capacity(size.ok_or(too_large)?);
        while let Some(part) = file.stream.next().await {
            bytes.extend_from_slice(&part.map_err(|error| unreachable(&error))?);
        }
        Ok(bytes.freeze())
    }
}

#[async_trait]
impl InputFetcher for GuardedInputs {
    fn check(&self, url: &str) -> Result<(), InputError> {
        self.egress.judge(&parse(url)?).map_err(input_error)
    }

    async fn check_target(&self, url: &str) -> Result<(), InputError> {
        self.egress.judge_target(&parse(url)?).await.map_err(input_error)
    }

    async fn fetch(&self, url: &str, wanted: InputWanted) -> Result<FetchedInput, InputError> {
        let bytes = match self.links.own(url, self.clock.now()) {
            // Whether the caller may read it was judged when the run was accepted.
            Some(own) => self.read_own(&own.key, wanted.bytes_max).await?,
            None => self.egress.fetch(&parse(url)?, limits(wanted)).await.map_err(input_error)?.bytes,
        };
        // Reading a container takes a while; other tasks need not wait for it.
        let (probed, bytes) = tokio::task::spawn_blocking(move || (probe(&bytes), bytes))
            .await
            .map_err(|error| InputError::Unreachable(error.to_string()))?;
        let info = probed.map_err(|error| InputError::Unreachable(error.to_string()))?;
        if class(wanted.kind) != info.kind.class() {
            return Err(InputError::OtherKind { found: info.content_type().to_owned(), wanted: wanted.kind });
        }
        Ok(FetchedInput { content_type: info.content_type().to_owned(), bytes })
    }
}

#[cfg(test)]
mod tests {
    use mintmark_domain::Timestamp;
    use mintmark_domain::ports::{ManualClock, OwnAddress, OwnSignature};

    use super::*;
    use crate::egress::SystemResolver;

    /// Addresses on `own:` are our own, by key.
    struct OwnLinks;

    impl Links for OwnLinks {
        fn public(&self, key: &str) -> String {
            key.to_owned()
        }
        fn signed(&self, key: &str, _now: Timestamp) -> String {
            key.to_owned()
        }
        fn page(&self, path: &str) -> String {
            path.to_owned()
        }
        fn own(&self, url: &str, _now: Timestamp) -> Option<OwnAddress> {
            let key = url.strip_prefix("own:")?.to_owned();
            Some(OwnAddress { key, signature: OwnSignature::Valid })
        }
    }

    async fn fetch(store: &AssetStore, url: &str, kind: InputKind, bytes_max: u64) -> Result<String, InputError> {
        let egress = Egress::new(Vec::new(), Arc::new(SystemResolver), Arc::new(document_sample));
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let inputs = GuardedInputs::new(egress, Arc::new(OwnLinks), store.clone(), clock);
        inputs.fetch(url, InputWanted { kind, bytes_max }).await.map(|fetched| fetched.content_type)
    }

    #[tokio::test]
    async fn an_input_is_of_the_kind_that_belongs_there_and_no_larger_than_it_may_be() {
        let directory = tempfile::tempdir().unwrap();
        let store = AssetStore::open(directory.path().to_str().unwrap()).unwrap();
        let picture = sample(MediaClass::Image, "a.png").bytes;
        let size = picture.len() as u64;
        store.put(&"uploads/a.png".parse().unwrap(), picture).await.unwrap();
        for url in ["https://example.com/a.png", "own:uploads/a.png"] {
            assert_eq!(fetch(&store, url, InputKind::Image, size).await, Ok("image/png".to_owned()), "{url}");
            let too_large = InputError::TooLarge { max_bytes: size - 1 };
            assert_eq!(fetch(&store, url, InputKind::Image, size - 1).await, Err(too_large), "{url}");
            let wanted = InputKind::Video;
            let other = InputError::OtherKind { found: "image/png".into(), wanted };
            assert_eq!(fetch(&store, url, wanted, size).await, Err(other), "{url}");
        }
        let sound = fetch(&store, "https://example.com/a.wav", InputKind::Image, 1 << 30).await;
        assert!(matches!(sound, Err(InputError::OtherKind { .. })), "{sound:?}");
    }
}
