//! Outputs: copied into our storage, measured, and only then reported to the log.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use mintmark_domain::catalog::MediaType;
use mintmark_domain::creation::{Creation, Output};
use mintmark_domain::es::StreamRef;
use mintmark_domain::ports::{AssetError, Media, OutputReport, Report};
use mintmark_domain::run::{AttemptRef, FailureReason, ReportedCost};
use mintmark_domain::usecases::{Conclusion, Delivery, DeliveryContent, Refusal, TRANSCRIBED_AUDIO};
use mintmark_media::{MediaClass, probe, svg_size};
use serde::{Deserialize, Serialize};

use super::execute::{Carried, Step, say};
use super::{steps, workflow};

/// How often a provider's file is fetched before its output counts as failed.
const FETCHES_MAX: u32 = 5;
/// The pause after the first try; it doubles.
const FETCH_PAUSE: Duration = Duration::from_secs(1);
/// How many ready assets are remembered.
const READY_MAX: usize = 64;

/// Ready assets that were measured before, by key.
#[derive(Default)]
pub(super) struct ReadyAssets(Mutex<HashMap<String, Output>>);

/// What is kept of an attempt whose provider cannot be asked again, until it is settled.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    outputs: Vec<Result<Output, FailureReason>>,
    quality: Option<String>,
    reported_cost: Option<ReportedCost>,
}

/// Stores what was made and ends the run with it.
pub(super) async fn finish(carried: &Carried<'_>, attempt: &AttemptRef, report: Report) -> Step<()> {
    let (quality, reported_cost) = (report.quality.clone(), report.reported_cost.clone());
    let outputs = deliver(carried, report).await?;
    keep(carried, attempt.number, &outputs, quality.as_ref(), reported_cost.as_ref()).await;
    carried.settle(Some(attempt), Conclusion::Finished { outputs, quality, reported_cost }).await
}

/// Copies each output into our storage, in order. As many deliveries as were asked for.
pub(super) async fn deliver(carried: &Carried<'_>, report: Report) -> Step<Vec<Delivery>> {
    let asked = carried.requested.creations.len();
    let mut deliveries = Vec::with_capacity(asked);
    let mut outputs = report.outputs.into_iter();
    for index in 0..asked {
        deliveries.push(match outputs.next() {
            Some(OutputReport::Text(fields)) if carried.requested.workflow.is_some() => {
                workflow::delivered(carried, fields).await?
            }
            Some(OutputReport::Text(fields)) => checked_text(carried, fields),
            Some(OutputReport::Media(media)) => {
                steps::reach(steps::BEFORE_STORE);
                let stored = store(carried, index, media, carried.requested.parameters.media_type).await?;
                steps::reach(steps::AFTER_STORE);
                stored
            }
            Some(OutputReport::Both { media, fields }) => {
                steps::reach(steps::BEFORE_STORE);
                let stored = store_both(carried, index, media, fields).await?;
                steps::reach(steps::AFTER_STORE);
                stored
            }
            Some(OutputReport::Failed(reason)) => Err(reason),
            None => Err(failed("The provider did not report this output.")),
        });
    }
    Ok(deliveries)
}

pub(super) fn failed(message: &str) -> FailureReason {
    FailureReason { code: "provider_failed".into(), message: message.into() }
}

/// A text is delivered only with exactly the fields that its generator promises.
fn checked_text(carried: &Carried<'_>, fields: serde_json::Map<String, serde_json::Value>) -> Delivery {
    let generator = carried.requested.generator.as_deref().and_then(|slug| carried.engine.core.catalog.generator(slug));
    match generator.filter(|generator| !generator.fields.is_empty()) {
        Some(generator) => match generator.check_fields(&fields) {
            Ok(()) => Ok(DeliveryContent::Text(fields)),
            Err(problem) => {
                tracing::warn!(run = %carried.run, %problem, "an answer does not have its fields");
                Err(failed("The answer did not have the fields that it should."))
            }
        },
        None => Ok(DeliveryContent::Text(fields)),
    }
}

/// A file and what is said of it. Of a text the file comes along: its key stands with the fields.
async fn store_both(
    carried: &Carried<'_>,
    index: usize,
    media: Media,
    mut fields: serde_json::Map<String, serde_json::Value>,
) -> Step<Delivery> {
    let is_text = carried.requested.parameters.media_type == MediaType::Text;
    let as_kind = if is_text { MediaType::Audio } else { carried.requested.parameters.media_type };
    let output = match store(carried, index, media, as_kind).await? {
        Ok(DeliveryContent::Asset(output)) => output,
        other => return Ok(other),
    };
    if !is_text {
        return Ok(Ok(DeliveryContent::Detailed(output, fields)));
    }
    if let Output::Asset { key, .. } = output {
        fields.insert(TRANSCRIBED_AUDIO.to_owned(), key.into());
    }
    Ok(Ok(DeliveryContent::Text(fields)))
}

async fn store(carried: &Carried<'_>, index: usize, media: Media, as_kind: MediaType) -> Step<Delivery> {
    let (content_type, bytes) = match media {
        Media::Stored(key) => return ready(carried, key).await,
        Media::Bytes { content_type, bytes } => (content_type, bytes),
        Media::Url(url) => match fetch(carried, &url).await? {
            Some(fetched) => fetched,
            None => {
                let message = "The file that the provider made could not be fetched.".to_owned();
                return Ok(Err(FailureReason { code: "output_unreachable".into(), message }));
            }
        },
    };
    let Some(measured) = measure(as_kind, content_type, bytes.clone()).await else {
        return Ok(Err(failed("The provider delivered a file of another kind.")));
    };
    let user_id = owner(carried).await?;
    let number = carried.requested.creations.get(index).map_or(0, |creation| creation.number);
    let key = if carried.requested.parameters.media_type == MediaType::Text {
        // What comes along with a text is no creation of its own.
        format!("transcripts/{}/{number}.{}", carried.run.hex(), measured.extension)
    } else {
        key_of(as_kind, user_id, number, measured.extension)
    };
    put(carried, &key, measured.content_type, bytes.clone()).await?;
    Ok(Ok(DeliveryContent::Asset(measured.output(key, bytes.len()))))
}

/// The stable key of a creation's file.
fn key_of(media_type: MediaType, user_id: u64, number: u64, extension: &str) -> String {
    let (folder, name) = match media_type {
        MediaType::Video => ("video", "video"),
        MediaType::Audio => ("audio", "audio"),
        MediaType::Svg => ("svg", "svg"),
        MediaType::Img | MediaType::Text => ("img", "image"),
    };
    format!("users/{user_id}/{folder}/{name}-{number}.{extension}")
}

/// The owner's public integer id, part of stable addresses.
async fn owner(carried: &Carried<'_>) -> Step<u64> {
    let core = &carried.engine.core;
    let Some(creation) = carried.requested.creations.first() else { return Ok(0) };
    let load = || async {
        let streams = vec![StreamRef::of::<Creation>(creation.id)];
        Ok::<_, Refusal>(core.decider.load(carried.run.shard(), streams).await?)
    };
    let loaded = say(carried.engine, carried.run, load).await?;
    let creation = loaded.first().and_then(|loaded| loaded.state.as_any().downcast_ref::<Creation>());
    Ok(creation.and_then(Creation::opened).map_or(0, |opened| opened.user_id))
}

/// Stores a file, however long storage takes to answer.
async fn put(carried: &Carried<'_>, key: &str, content_type: &str, bytes: Bytes) -> Step<()> {
    let assets = &carried.engine.assets;
    let put = || {
        let bytes = bytes.clone();
        async move {
            assets.put(key, content_type, bytes).await?;
            Ok(())
        }
    };
    say(carried.engine, carried.run, put).await
}

async fn fetch(carried: &Carried<'_>, url: &str) -> Step<Option<(String, Bytes)>> {
    let mut pause = FETCH_PAUSE;
    for _ in 0..FETCHES_MAX {
        match carried.provider.fetch(url).await {
            Ok(fetched) => return Ok(Some((fetched.content_type, fetched.bytes))),
            Err(error) => tracing::warn!(run = %carried.run, %error, "an output is fetched again"),
        }
        carried.wait(pause, false).await?;
        pause *= 2;
    }
    Ok(None)
}

/// An asset that stands in our storage already: measured once, then remembered.
async fn ready(carried: &Carried<'_>, key: String) -> Step<Delivery> {
    let known = &carried.engine.ready.0;
    if let Some(output) = known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(Ok(DeliveryContent::Asset(output.clone())));
    }
    let assets = &carried.engine.assets;
    let look = || {
        let key = &key;
        async move {
            match assets.head(key).await {
                Ok(Some(head)) => Ok(Some((head.content_type, assets.get(key).await?))),
                Ok(None) | Err(AssetError::BadKey) => Ok(None),
                Err(error) => Err(Refusal::Asset(error)),
            }
        }
    };
    let Some((content_type, bytes)) = say(carried.engine, carried.run, look).await? else {
        return Ok(Err(failed("The ready asset that the provider named does not exist.")));
    };
    let size = bytes.len();
    let Some(measured) = measure(carried.requested.parameters.media_type, content_type, bytes).await else {
        return Ok(Err(failed("The ready asset that the provider named is of another kind.")));
    };
    let output = measured.output(key.clone(), size);
    let mut remembered = known.lock().unwrap_or_else(PoisonError::into_inner);
    if remembered.len() < READY_MAX {
        remembered.insert(key, output.clone());
    }
    Ok(Ok(DeliveryContent::Asset(output)))
}

/// What a file is, by its bytes.
struct Measured {
    content_type: &'static str,
    extension: &'static str,
    width: Option<u32>,
    height: Option<u32>,
    duration_ms: Option<u64>,
}

impl Measured {
    fn output(self, key: String, size: usize) -> Output {
        Output::Asset {
            key,
            content_type: self.content_type.to_owned(),
            size_bytes: size as u64,
            width: self.width,
            height: self.height,
            duration_ms: self.duration_ms,
            details: None,
        }
    }
}

/// Measures a file; `None` if it is not of the kind that was asked for.
async fn measure(asked: MediaType, claimed: String, bytes: Bytes) -> Option<Measured> {
    if asked == MediaType::Svg {
        let (content_type, extension) = ("image/svg+xml", "svg");
        let (width, height) = svg_size(&bytes).unzip();
        let vector = Measured { content_type, extension, width, height, duration_ms: None };
        return (claimed == content_type).then_some(vector);
    }
    // Reading a container takes a while; other tasks need not wait for it.
    let probed = tokio::task::spawn_blocking(move || probe(&bytes)).await.ok()?.ok()?;
    let class = match asked {
        MediaType::Img => MediaClass::Image,
        MediaType::Video => MediaClass::Video,
        MediaType::Audio => MediaClass::Audio,
        MediaType::Svg | MediaType::Text => return None,
    };
    if probed.kind.class() != class {
        return None;
    }
    let content_type = probed.content_type();
    let extension = match content_type {
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/webp" => "webp",
        "image/gif" => "gif",
        "audio/wav" => "wav",
        "audio/aiff" => "aiff",
        "audio/flac" => "flac",
        "audio/mpeg" => "mp3",
        "audio/aac" => "aac",
        "audio/ogg" => "ogg",
        "audio/mp4" => "m4a",
        "video/mp4" => "mp4",
        "video/quicktime" => "mov",
        "video/webm" => "webm",
        _ => return None,
    };
    let MediaInfoSizes { width, height, duration_ms } = MediaInfoSizes::of(&probed);
    Some(Measured { content_type, extension, width, height, duration_ms })
}

/// The sizes that an output of that class has: a picture has no length, a sound no width.
struct MediaInfoSizes {
    width: Option<u32>,
    height: Option<u32>,
    duration_ms: Option<u64>,
}

impl MediaInfoSizes {
    fn of(probed: &mintmark_media::MediaInfo) -> Self {
        let duration_ms = probed.duration_ms.filter(|_| probed.kind.class() != MediaClass::Image);
        MediaInfoSizes { width: probed.width, height: probed.height, duration_ms }
    }
}

/// Where an attempt's outcome is kept, by run and attempt alone.
fn kept_key(carried: &Carried<'_>, attempt: u32) -> String {
    format!("runs/{}/{attempt}/report.json", carried.run.hex())
}

/// Keeps an outcome whose provider could not be asked for it again. Texts are never kept outside of
/// the vault; an attempt with one is not.
async fn keep(
    carried: &Carried<'_>,
    attempt: u32,
    outputs: &[Delivery],
    quality: Option<&String>,
    reported_cost: Option<&ReportedCost>,
) {
    if carried.traits.takes_client_ids {
        return;
    }
    let mut assets = Vec::with_capacity(outputs.len());
    for output in outputs {
        assets.push(match output {
            Ok(DeliveryContent::Asset(output)) => Ok(output.clone()),
            Ok(DeliveryContent::Text(_) | DeliveryContent::Planned { .. } | DeliveryContent::Detailed(..)) => return,
            Err(reason) => Err(reason.clone()),
        });
    }
    let kept = Kept { outputs: assets, quality: quality.cloned(), reported_cost: reported_cost.cloned() };
    let Ok(text) = serde_json::to_vec(&kept) else { return };
    let key = kept_key(carried, attempt);
    if let Err(error) = carried.engine.assets.put(&key, "application/json", text.into()).await {
        tracing::warn!(run = %carried.run, %error, "the outcome is not kept apart");
    }
}

/// The outcome that a node kept of an attempt before it was gone.
pub(super) async fn kept(carried: &Carried<'_>, attempt: u32) -> Step<Option<Kept>> {
    if carried.traits.takes_client_ids {
        return Ok(None);
    }
    let key = kept_key(carried, attempt);
    let assets = &carried.engine.assets;
    let look = || {
        let key = &key;
        async move {
            match assets.get(key).await {
                Ok(text) => Ok(Some(text)),
                Err(AssetError::NotFound) => Ok(None),
                Err(error) => Err(Refusal::Asset(error)),
            }
        }
    };
    let text = say(carried.engine, carried.run, look).await?;
    Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
}

/// Ends the run with an outcome that was kept.
pub(super) async fn settle_kept(carried: &Carried<'_>, attempt: &AttemptRef, kept: Kept) -> Step<()> {
    let outputs = kept.outputs.into_iter().map(|output| output.map(DeliveryContent::Asset)).collect();
    let conclusion = Conclusion::Finished { outputs, quality: kept.quality, reported_cost: kept.reported_cost };
    carried.settle(Some(attempt), conclusion).await
}
