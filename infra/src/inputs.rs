//! Inputs that users name: from our own storage, from the built-in samples, or through the guard.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use mintmark_domain::ids::AccountId;
use mintmark_domain::ports::{Clock, FetchedInput, InputError, InputFetcher, InputKind, InputWanted, Links};
use mintmark_media::{MediaClass, MediaInfo, ProbeError, measure, portrait, probe, sample};
use mintmark_turns::Turns;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use url::Url;

use crate::assets::AssetStore;
use crate::egress::{Egress, EgressError, FetchLimits, Fetched};
use crate::youtube::{YoutubeSource, is_youtube};

/// Judges and fetches inputs.
pub struct GuardedInputs {
    egress: Egress,
    links: Arc<dyn Links>,
    assets: AssetStore,
    clock: Arc<dyn Clock>,
    youtube: YoutubeSource,
    measuring: Turns,
    portraits: Turns,
}

/// How wide and high a picture of a profile is, in pixels.
const PORTRAIT_EDGE: u32 = 512;
/// How many pictures of profiles are made at once: each may take 384 MB while it is decoded.
const PORTRAITS_AT_ONCE_MAX: usize = 2;
/// How many of them are one account's.
const ACCOUNT_PORTRAITS_AT_ONCE_MAX: usize = 1;
/// How long a request waits for its picture's turn.
const PORTRAIT_TURN_WITHIN: Duration = Duration::from_secs(10);
/// How many files are measured at once: each may take half a gigabyte of the temporary directory.
const MEASURED_AT_ONCE_MAX: usize = 8;
/// How many of them are one account's: a slow file keeps its own account waiting and nobody else.
const ACCOUNT_MEASURED_AT_ONCE_MAX: usize = 1;
/// How long a request waits for its file to be measured.
const MEASURE_TURN_WITHIN: Duration = Duration::from_secs(20);
/// How long fetching a file that is measured may take in all.
const MEASURE_FETCH_WITHIN: Duration = Duration::from_secs(120);
/// What stands for every video on YouTube where a sample does.
const YOUTUBE_SAMPLE: &str = "youtube.wav";

impl GuardedInputs {
    /// Inputs through `egress`; addresses that `links` knows as our own come from `assets`.
    #[must_use]
    pub fn new(egress: Egress, links: Arc<dyn Links>, assets: AssetStore, clock: Arc<dyn Clock>) -> Self {
        let measuring = Turns::new(MEASURED_AT_ONCE_MAX, ACCOUNT_MEASURED_AT_ONCE_MAX);
        let portraits = Turns::new(PORTRAITS_AT_ONCE_MAX, ACCOUNT_PORTRAITS_AT_ONCE_MAX);
        GuardedInputs { egress, links, assets, clock, youtube: YoutubeSource::None, measuring, portraits }
    }

    /// With a source for videos on YouTube.
    #[must_use]
    pub fn with_youtube(self, youtube: YoutubeSource) -> Self {
        GuardedInputs { youtube, ..self }
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
    let content_type = Some(made.content_type.to_owned());
    Some(Fetched { url: url.clone(), content_type, charset: None, bytes: made.bytes })
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

/// Whether a file of that class is what is wanted.
fn fits(kind: InputKind, class: MediaClass) -> bool {
    match kind {
        InputKind::Image => class == MediaClass::Image,
        InputKind::Audio => class == MediaClass::Audio,
        InputKind::Video => class == MediaClass::Video,
        InputKind::Recording => class != MediaClass::Image,
    }
}

fn limits(wanted: InputWanted) -> FetchLimits {
    let usual = match wanted.kind {
        InputKind::Image => FetchLimits::image(),
        InputKind::Audio | InputKind::Video | InputKind::Recording => FetchLimits::media(),
    };
    FetchLimits { bytes_max: wanted.bytes_max, ..usual }
}

impl GuardedInputs {
    /// A file of our own storage. An upload may be far larger than an input: it is not read then.
    async fn read_own(&self, key: &str, bytes_max: u64, to: &mut (impl AsyncWrite + Unpin)) -> Result<(), InputError> {
        let key = key.parse().map_err(|error| unreachable(&error))?;
        let mut file = self.assets.get(&key, None).await.map_err(|error| unreachable(&error))?;
        if file.head.size_bytes > bytes_max {
            return Err(InputError::TooLarge { max_bytes: bytes_max });
        }
        while let Some(part) = file.stream.next().await {
            let part = part.map_err(|error| unreachable(&error))?;
            to.write_all(&part).await.map_err(|error| unreachable(&error))?;
        }
        to.flush().await.map_err(|error| unreachable(&error))
    }

    /// A file, wherever it is, into a writer.
    async fn copy(
        &self,
        url: &str,
        limits: FetchLimits,
        to: &mut (impl AsyncWrite + Unpin + Send),
    ) -> Result<(), InputError> {
        // Whether the caller may read one of our own was judged when the run was accepted.
        if let Some(own) = self.links.own(url, self.clock.now()) {
            return self.read_own(&own.key, limits.bytes_max, to).await;
        }
        let url = parse(url)?;
        let from = if is_youtube(&url) { self.youtube.address(&url)? } else { Some(url) };
        match from {
            Some(from) => self.egress.fetch_to(&from, limits, to).await.map(drop).map_err(input_error),
            None => {
                let made = tokio::task::spawn_blocking(|| sample(MediaClass::Audio, YOUTUBE_SAMPLE)).await;
                let made = made.map_err(|error| unreachable(&error))?;
                to.write_all(&made.bytes).await.map_err(|error| unreachable(&error))
            }
        }
    }
}

fn unreachable(error: &dyn std::fmt::Display) -> InputError {
    InputError::Unreachable(error.to_string())
}

/// What was found in a file, if it is of the kind that is wanted.
fn judged(wanted: InputWanted, probed: Result<MediaInfo, ProbeError>) -> Result<MediaInfo, InputError> {
    let info = probed.map_err(|error| InputError::Unreadable(error.to_string()))?;
    if !fits(wanted.kind, info.kind.class()) {
        return Err(InputError::OtherKind { found: info.content_type().to_owned(), wanted: wanted.kind });
    }
    Ok(info)
}

#[async_trait]
impl InputFetcher for GuardedInputs {
    fn check(&self, url: &str) -> Result<(), InputError> {
        let url = parse(url)?;
        if is_youtube(&url) {
            return self.youtube.check();
        }
        self.egress.judge(&url).map_err(input_error)
    }

    async fn check_target(&self, url: &str) -> Result<(), InputError> {
        self.egress.judge_target(&parse(url)?).await.map_err(input_error)
    }

    async fn fetch(&self, url: &str, wanted: InputWanted) -> Result<FetchedInput, InputError> {
        let mut bytes = Vec::new();
        self.copy(url, limits(wanted), &mut bytes).await?;
        // What growing left over would live as long as the file.
        bytes.shrink_to_fit();
        let bytes = Bytes::from(bytes);
        // Reading a container takes a while; other tasks need not wait for it.
        let (probed, bytes) =
            tokio::task::spawn_blocking(move || (probe(&bytes), bytes)).await.map_err(|error| unreachable(&error))?;
        let info = judged(wanted, probed)?;
        Ok(FetchedInput { content_type: info.content_type().to_owned(), bytes })
    }

    async fn portrait(&self, account: AccountId, picture: Bytes) -> Result<Bytes, InputError> {
        let turn = self.portraits.take(account, PORTRAIT_TURN_WITHIN).await.ok_or(InputError::Busy)?;
        let made = tokio::task::spawn_blocking(move || {
            // Whoever asked may go away meanwhile; the work, and what it takes, does not.
            let _turn = turn;
            judged(InputWanted { kind: InputKind::Image, bytes_max: u64::MAX }, probe(&picture))?;
            portrait(&picture, PORTRAIT_EDGE).map_err(|error| InputError::Unreadable(error.to_string()))
        });
        Ok(Bytes::from(made.await.map_err(|error| unreachable(&error))??))
    }

    async fn measure(&self, account: AccountId, url: &str, wanted: InputWanted) -> Result<u64, InputError> {
        let _turn = self.measuring.take(account, MEASURE_TURN_WITHIN).await.ok_or(InputError::Busy)?;
        let limits = FetchLimits { total: MEASURE_FETCH_WITHIN, ..limits(wanted) };
        // A file without a name, gone with its handle: never in memory, never left behind.
        let file = tempfile::tempfile().map_err(|error| unreachable(&error))?;
        let mut to = tokio::io::BufWriter::new(tokio::fs::File::from_std(file));
        self.copy(url, limits, &mut to).await?;
        to.flush().await.map_err(|error| unreachable(&error))?;
        let file = to.into_inner().into_std().await;
        let probed = tokio::task::spawn_blocking(move || measure(file)).await.map_err(|error| unreachable(&error))?;
        judged(wanted, probed)?.duration_ms.ok_or(InputError::NoLength)
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
        fn signed_for(&self, key: &str, _now: Timestamp, _lifetime: chrono::TimeDelta) -> String {
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

    fn inputs(store: &AssetStore) -> GuardedInputs {
        let egress = Egress::new(Vec::new(), Arc::new(SystemResolver), Arc::new(document_sample));
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        GuardedInputs::new(egress, Arc::new(OwnLinks), store.clone(), clock)
    }

    async fn fetch(store: &AssetStore, url: &str, kind: InputKind, bytes_max: u64) -> Result<String, InputError> {
        inputs(store).fetch(url, InputWanted { kind, bytes_max }).await.map(|fetched| fetched.content_type)
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

    #[tokio::test(start_paused = true)]
    async fn a_picture_of_a_profile_waits_for_its_turn_and_no_longer_than_it_may() {
        let directory = tempfile::tempdir().unwrap();
        let inputs = inputs(&AssetStore::open(directory.path().to_str().unwrap()).unwrap());
        let picture = sample(MediaClass::Image, "a.png").bytes;
        let accounts = [1, 2, 3].map(|number| AccountId(uuid::Uuid::from_u128(number)));
        let [one, two, other] = accounts;
        let first = inputs.portraits.try_take(one).unwrap();
        assert_eq!(inputs.portrait(one, picture.clone()).await, Err(InputError::Busy), "one has one turn");
        let _second = inputs.portraits.try_take(two).unwrap();
        assert_eq!(inputs.portrait(other, picture.clone()).await, Err(InputError::Busy), "all have two");
        drop(first);
        assert!(inputs.portrait(other, picture).await.is_ok());
        assert!(inputs.portraits.try_take(other).is_some(), "its turn is over");
    }
}
