//! From a run to the job that its provider gets.

use std::io::Cursor;
use std::time::Duration;

use bytes::Bytes;
use mintmark_domain::Timestamp;
use mintmark_domain::catalog::{Catalog, Checked, SyncMode};
use mintmark_domain::ids::{AccountId, RunId};
use mintmark_domain::ports::{
    FetchedInput, InputError, InputFetcher, InputKind, InputMedia, InputRole, InputWanted, Job, PageJob, ReadProduct,
    WorkflowJob,
};
use mintmark_domain::run::{FailureReason, Inputs, RequestedRun};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use sha2::{Digest, Sha256};

use super::memory::{InputMemory, Room};

/// The pause before an input that could not be reached is tried once more.
const INPUT_RETRY_PAUSE: Duration = Duration::from_secs(1);

/// A job without what belongs to one attempt.
pub(super) struct Draft {
    pub inputs: Inputs,
    media: Vec<InputMedia>,
    /// The product of the page that a workflow was given, once it was read.
    pub product: Option<ReadProduct>,
    /// The memory that its media take; given back when the job was handed over.
    pub room: Option<Room>,
}

/// An input that the model uses.
struct Wanted<'a> {
    role: InputRole,
    /// Which of its field, where that holds several.
    index: Option<usize>,
    url: &'a str,
}

impl Wanted<'_> {
    fn field(&self) -> String {
        match self.index {
            Some(index) => format!("{}[{index}]", self.role.field()),
            None => self.role.field().to_owned(),
        }
    }
}

/// Fetches what a run's inputs name. Errors: why the run fails, at no cost.
///
/// Each file is fetched as soon as there is memory for the largest that it may be. Where there is
/// not, all are let go of, and fetched again once there is memory for all of them: who waits for
/// memory holds none, so no two runs wait for each other.
pub(super) async fn draft(
    fetcher: &dyn InputFetcher,
    memory: &InputMemory,
    account: AccountId,
    inputs: Inputs,
    parameters: &Checked,
) -> Result<Draft, FailureReason> {
    let wanted = wanted(&inputs, parameters);
    let large = wanted.iter().any(|input| input.role.kind() != InputKind::Image);
    let _turn = if large { Some(memory.large_turn(account).await.ok_or_else(no_room)?) } else { None };
    let most = wanted.iter().map(|input| memory.limits().of(input.role.kind())).sum();
    let mut room = Room::default();
    let media = match fetch_all(fetcher, memory, &wanted, &mut room, AsItGoes::Yes).await? {
        Some(media) => media,
        None => {
            // First given back, then waited for.
            drop(std::mem::take(&mut room));
            room = memory.wait_for(most).await.ok_or_else(no_room)?;
            fetch_all(fetcher, memory, &wanted, &mut room, AsItGoes::No).await?.ok_or_else(no_room)?
        }
    };
    room.shrink(media.iter().map(|input| input.bytes.len() as u64).sum());
    same_length(&media, parameters).await?;
    Ok(Draft { inputs, media, product: None, room: Some(room) })
}

/// What was priced by its length is still as long as it was: the file behind an address may be another
/// one by now, and more than was held for is never made.
async fn same_length(media: &[InputMedia], parameters: &Checked) -> Result<(), FailureReason> {
    let Some(priced) = parameters.media_seconds else { return Ok(()) };
    let lengths = |role: InputRole| media.iter().find(|input| input.role == role).map(|input| input.bytes.clone());
    let (video, sound) = (lengths(InputRole::SourceVideo), lengths(InputRole::InputAudio));
    let measured = tokio::task::spawn_blocking(move || {
        let length = |bytes: Bytes| mintmark_media::measure(Cursor::new(bytes)).ok()?.duration_ms;
        (video.and_then(length), sound.and_then(length))
    });
    let (video, sound) = measured.await.unwrap_or_default();
    let mode = parameters.choices.sync_mode.as_deref().and_then(SyncMode::from_name);
    let length = match (mode, video, sound) {
        (Some(mode), Some(video), Some(sound)) => Some(mode.length(video, sound)),
        (_, video, sound) => sound.or(video),
    };
    let most = (priced * Decimal::ONE_THOUSAND).to_u64().unwrap_or(u64::MAX);
    match length {
        Some(length) if length <= most => Ok(()),
        Some(_) | None => {
            let message = "The file behind an address is another one than when the run was accepted.".to_owned();
            Err(FailureReason { code: "input_changed".into(), message })
        }
    }
}

fn no_room() -> FailureReason {
    FailureReason { code: "overloaded".into(), message: "There was no room for the inputs of this run.".into() }
}

/// Whether what a file leaves of its room is given back before the next is fetched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AsItGoes {
    Yes,
    No,
}

/// Fetches all, in order. `None`: there is no room now.
async fn fetch_all(
    fetcher: &dyn InputFetcher,
    memory: &InputMemory,
    wanted: &[Wanted<'_>],
    room: &mut Room,
    gives_back: AsItGoes,
) -> Result<Option<Vec<InputMedia>>, FailureReason> {
    let limits = memory.limits();
    let mut media: Vec<InputMedia> = Vec::with_capacity(wanted.len());
    let mut taken = 0;
    for input in wanted {
        let (of_kind, left) = (limits.of(input.role.kind()), limits.run_bytes_max.saturating_sub(taken));
        let bytes_max = of_kind.min(left);
        if !memory.extend(room, taken + bytes_max) {
            return Ok(None);
        }
        let kind = input.role.kind();
        let fetched = fetch(fetcher, input.url, InputWanted { kind, bytes_max }).await;
        let fetched = fetched.map_err(|problem| match problem {
            InputError::TooLarge { .. } if bytes_max < of_kind => too_much(input, limits.run_bytes_max),
            problem => unusable(input, &problem),
        })?;
        taken += fetched.bytes.len() as u64;
        media.push(InputMedia { role: input.role, content_type: fetched.content_type, bytes: fetched.bytes });
        if gives_back == AsItGoes::Yes {
            room.shrink(taken);
        }
    }
    Ok(Some(media))
}

/// Fetches one, and once more if it could not be reached.
async fn fetch(fetcher: &dyn InputFetcher, url: &str, wanted: InputWanted) -> Result<FetchedInput, InputError> {
    match fetcher.fetch(url, wanted).await {
        Err(InputError::Unreachable(_)) => {
            tokio::time::sleep(INPUT_RETRY_PAUSE).await;
            fetcher.fetch(url, wanted).await
        }
        other => other,
    }
}

/// The inputs that the model uses, in the order of their roles.
fn wanted<'a>(inputs: &'a Inputs, parameters: &Checked) -> Vec<Wanted<'a>> {
    let lists = [
        (InputRole::Image, &inputs.images, parameters.images),
        (InputRole::Reference, &inputs.reference_images, parameters.references),
        (InputRole::ReferenceVideo, &inputs.reference_videos, parameters.reference_videos),
        (InputRole::Character, &inputs.conditioning, parameters.conditioning),
    ];
    let singles = [
        (InputRole::ReferenceAudio, &inputs.reference_audio, parameters.reference_audio),
        (InputRole::SourceVideo, &inputs.source_video, parameters.source_video),
        (InputRole::FirstFrame, &inputs.first_frame, parameters.first_frame),
        (InputRole::LastFrame, &inputs.last_frame, parameters.last_frame),
        (InputRole::InputAudio, &inputs.input_audio, parameters.input_audio),
        (InputRole::InputAudio, &inputs.youtube, parameters.input_audio),
    ];
    let lists = lists.into_iter().flat_map(|(role, urls, used)| {
        let urls = urls.iter().take(used as usize).enumerate();
        urls.map(move |(index, url)| Wanted { role, index: Some(index), url })
    });
    let singles = singles.into_iter().filter_map(|(role, url, used)| {
        let url = url.as_deref().filter(|_| used)?;
        Some(Wanted { role, index: None, url })
    });
    lists.chain(singles).collect()
}

fn unusable(input: &Wanted<'_>, problem: &InputError) -> FailureReason {
    let what = match problem {
        InputError::BadAddress(_) => "could not be fetched: its address is none".to_owned(),
        InputError::Forbidden => "could not be fetched: its address is not public".to_owned(),
        InputError::Unreachable(_) => "could not be fetched".to_owned(),
        InputError::TooLarge { max_bytes } => {
            format!("is larger than the {max_bytes} bytes that {} may have", kind(input))
        }
        InputError::Unsupported(_) => "cannot be fetched by this server".to_owned(),
        InputError::Unreadable(_) => "is no file that can be read".to_owned(),
        InputError::NoLength => "does not say how long it is".to_owned(),
        InputError::Busy => "could not be looked at in time".to_owned(),
        InputError::OtherKind { found, .. } => format!("is {found}, not {}", kind(input)),
    };
    FailureReason { code: problem.code().into(), message: format!("The input {} {what}.", input.field()) }
}

fn kind(input: &Wanted<'_>) -> &'static str {
    input.role.kind().as_str()
}

fn too_much(input: &Wanted<'_>, bytes_max: u64) -> FailureReason {
    let field = input.field();
    let message = format!("With the input {field} the inputs are larger than the {bytes_max} bytes that all may have.");
    FailureReason { code: "input_too_large".into(), message }
}

impl Draft {
    /// The job of one attempt.
    pub fn job(
        &self,
        run: RunId,
        requested: &RequestedRun,
        catalog: &Catalog,
        client_id: String,
        submit_by: Timestamp,
    ) -> Job {
        let generator = requested.generator.as_deref().and_then(|slug| catalog.generator(slug));
        let workflow = requested.workflow.as_deref().and_then(|key| catalog.workflow(key));
        let fields = self.inputs.fields.clone().unwrap_or_default();
        let product = self.product.as_ref().map(|read| &read.product);
        let told = workflow.map(|workflow| workflow.render(&fields, product));
        let templated = told.is_some() || self.inputs.provider_prompt.is_some();
        let page = self.inputs.page.as_ref().filter(|_| workflow.is_none());
        Job {
            client_id,
            model: requested.provider_model.clone(),
            parameters: requested.parameters.clone(),
            prompt: told.or_else(|| self.inputs.provider_prompt.clone()).unwrap_or_else(|| self.inputs.prompt.clone()),
            asked: templated.then(|| self.inputs.prompt.clone()),
            negative_prompt: self.inputs.negative_prompt.clone(),
            fields: generator.map(|generator| generator.fields.clone()).unwrap_or_default(),
            generator: requested.generator.clone(),
            preferences: [requested.preference.clone(), requested.preference_two.clone()],
            media: self.media.clone(),
            workflow: workflow.map(|workflow| WorkflowJob {
                key: workflow.key.clone(),
                product: product.cloned(),
                answer_schema: workflow.answer_schema.value().clone(),
                fields,
            }),
            page: page.map(|url| PageJob { account: requested.account, url: url.clone() }),
            seed: seed(run),
            submit_by,
        }
    }
}

/// The seed of a run: the same for each of its attempts, so that a second one makes the same.
fn seed(run: RunId) -> u64 {
    let digest = Sha256::digest(run.0.as_bytes());
    digest.iter().take(8).fold(0, |seed, byte| (seed << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use async_trait::async_trait;
    use mintmark_domain::catalog::{Ask, Capability, Dialect, Sources};

    use super::super::memory::InputLimits;
    use super::*;

    /// Files of as many bytes as their addresses say; counts what was fetched.
    #[derive(Default)]
    struct Sized(AtomicU64);

    #[async_trait]
    impl InputFetcher for Sized {
        fn check(&self, _url: &str) -> Result<(), InputError> {
            Ok(())
        }

        async fn fetch(&self, url: &str, wanted: InputWanted) -> Result<FetchedInput, InputError> {
            self.0.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            let size: u64 = url.parse().map_err(|_| InputError::Forbidden)?;
            if size > wanted.bytes_max {
                return Err(InputError::TooLarge { max_bytes: wanted.bytes_max });
            }
            let bytes = Bytes::from(vec![0; usize::try_from(size).unwrap_or(0)]);
            Ok(FetchedInput { content_type: "image/png".into(), bytes })
        }

        async fn portrait(&self, _: AccountId, picture: Bytes) -> Result<Bytes, InputError> {
            Ok(picture)
        }

        async fn measure(&self, _: AccountId, url: &str, _wanted: InputWanted) -> Result<u64, InputError> {
            url.parse().map_err(|_| InputError::NoLength)
        }
    }

    const ACCOUNT: AccountId = AccountId(uuid::Uuid::nil());

    const LIMITS: InputLimits = InputLimits {
        image_bytes_max: 40 << 10,
        audio_bytes_max: 50 << 10,
        video_bytes_max: 60 << 10,
        run_bytes_max: 100 << 10,
        process_bytes_max: 100 << 10,
        wait_max: Duration::from_secs(60),
    };

    async fn of(fetcher: &Sized, memory: &InputMemory, images: &[u64]) -> Result<Draft, FailureReason> {
        let catalog = Catalog::load(&Sources::embedded()).unwrap();
        let model = catalog.model("nano-banana-2").unwrap();
        let mut parameters = model.check(Dialect::Genfire, &Ask::prompt(6)).unwrap();
        parameters.images = u32::try_from(images.len()).unwrap();
        let images = images.iter().map(ToString::to_string).collect();
        draft(fetcher, memory, ACCOUNT, Inputs { images, ..Inputs::default() }, &parameters).await
    }

    /// Sounds, each of as many milliseconds as its address says.
    struct Sounds;

    #[async_trait]
    impl InputFetcher for Sounds {
        fn check(&self, _url: &str) -> Result<(), InputError> {
            Ok(())
        }

        async fn fetch(&self, url: &str, _wanted: InputWanted) -> Result<FetchedInput, InputError> {
            let samples: usize = url.parse::<usize>().map_err(|_| InputError::Forbidden)? * 8;
            let size = u32::try_from(samples).unwrap();
            let mut wav = Vec::from(*b"RIFF");
            wav.extend((36 + size).to_le_bytes());
            wav.extend(*b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
            wav.extend([8_000_u32.to_le_bytes(), 8_000_u32.to_le_bytes()].concat());
            wav.extend(*b"\x01\0\x08\0data");
            wav.extend(size.to_le_bytes());
            wav.resize(wav.len() + samples, 128);
            Ok(FetchedInput { content_type: "audio/wav".into(), bytes: wav.into() })
        }

        async fn portrait(&self, _: AccountId, picture: Bytes) -> Result<Bytes, InputError> {
            Ok(picture)
        }

        async fn measure(&self, _: AccountId, url: &str, _wanted: InputWanted) -> Result<u64, InputError> {
            url.parse().map_err(|_| InputError::NoLength)
        }
    }

    /// A transcription that was priced at two seconds, of a file of so many milliseconds.
    async fn transcribing(milliseconds: u32) -> Result<Draft, FailureReason> {
        let catalog = Catalog::load(&Sources::embedded()).unwrap();
        let model = catalog.default_model(Dialect::Genfire, Capability::Transcription).unwrap();
        let ask = Ask { input_audio: true, media_seconds: Some(Decimal::TWO), ..Ask::default() };
        let parameters = model.check(Dialect::Genfire, &ask).unwrap();
        let inputs = Inputs { input_audio: Some(milliseconds.to_string()), ..Inputs::default() };
        draft(&Sounds, &InputMemory::new(InputLimits::default()), ACCOUNT, inputs, &parameters).await
    }

    #[tokio::test]
    async fn a_file_that_grew_since_it_was_priced_fails_its_run() {
        for milliseconds in [1_500, 2_000] {
            assert!(transcribing(milliseconds).await.is_ok(), "{milliseconds}");
        }
        for milliseconds in [2_100, 60_000] {
            assert_eq!(problem(transcribing(milliseconds).await).0, "input_changed", "{milliseconds}");
        }
    }

    fn problem(drafted: Result<Draft, FailureReason>) -> (String, String) {
        let reason = drafted.err().unwrap();
        (reason.code, reason.message)
    }

    #[tokio::test(start_paused = true)]
    async fn an_input_over_its_limit_is_named_with_the_limit() {
        let (files, memory) = (Sized::default(), InputMemory::new(LIMITS));
        let (code, message) = problem(of(&files, &memory, &[10, (40 << 10) + 1]).await);
        assert_eq!(code, "input_too_large");
        assert_eq!(message, "The input images[1] is larger than the 40960 bytes that an image may have.");
        let (code, message) = problem(of(&files, &memory, &[40 << 10, 40 << 10, 30 << 10]).await);
        assert_eq!(code, "input_too_large");
        assert!(message.contains("images[2]") && message.contains("102400 bytes"), "{message}");
        let drafted = of(&files, &memory, &[40 << 10, 40 << 10, 20 << 10]).await.ok().unwrap();
        assert_eq!(drafted.media.len(), 3, "exactly as much as a run may have");
    }

    #[tokio::test(start_paused = true)]
    async fn runs_wait_for_memory_holding_none_and_give_back_what_they_do_not_need() {
        let (files, memory) = (Arc::new(Sized::default()), Arc::new(InputMemory::new(LIMITS)));
        let small = of(&files, &memory, &[1 << 10]).await.ok().unwrap();
        let large = of(&files, &memory, &[40 << 10, 30 << 10]).await.ok().unwrap();
        assert_eq!(files.0.load(Ordering::SeqCst), 3, "both fit, as what was not needed was given back");
        let (waiting, shared) = (Arc::clone(&files), Arc::clone(&memory));
        let third = tokio::spawn(async move { of(&waiting, &shared, &[20 << 10, 20 << 10]).await.map(|_| ()) });
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!third.is_finished());
        drop((large, small));
        assert_eq!(third.await.unwrap(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_finds_no_memory_in_time_fails_and_says_so() {
        let (files, memory) = (Sized::default(), InputMemory::new(LIMITS));
        let held = of(&files, &memory, &[40 << 10, 40 << 10]).await.ok().unwrap();
        assert_eq!(problem(of(&files, &memory, &[40 << 10]).await).0, "overloaded");
        drop(held);
        assert!(of(&files, &memory, &[40 << 10]).await.is_ok());
    }
}
