//! The sandbox makes what it is asked for: every capability that has a route, every mode, each card.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use mintmark_domain::Timestamp;
use mintmark_domain::catalog::{Ask, Capability, Catalog, Dialect, Mode, Sources};
use mintmark_domain::ports::{
    CancelReply, InputMedia, InputRole, Job, Media, OutputReport, Probe, Provider, Report, Submission, SubmitError,
};
use mintmark_infra::providers::Sandbox;
use mintmark_infra::providers::sandbox::SandboxSettings;
use mintmark_media::{ImageFormat, MediaKind, Picture, VideoMode, VideoSpec, draw_image, make_video, probe};

fn catalog() -> Catalog {
    Catalog::load(&Sources::embedded()).unwrap()
}

fn job(model: &str, ask: &Ask, prompt: &str) -> Job {
    let catalog = catalog();
    let model_of = catalog.model(model).unwrap();
    let offered = [Dialect::Genfire, Dialect::Generor].into_iter().find(|dialect| model_of.rules(*dialect).is_some());
    let parameters = model_of.check(offered.unwrap(), ask).unwrap();
    Job {
        client_id: format!("run_{model}_1"),
        model: model.into(),
        parameters,
        prompt: prompt.into(),
        asked: None,
        negative_prompt: None,
        fields: Vec::new(),
        generator: None,
        preferences: [None, None],
        media: Vec::new(),
        workflow: None,
        page: None,
        seed: 11,
        submit_by: Timestamp::MAX_UTC,
    }
}

fn picture() -> Bytes {
    let form = Picture { width: 128, height: 96, format: ImageFormat::Png };
    draw_image("a portrait", 3, form, &[]).unwrap().into()
}

fn clip() -> Bytes {
    let spec = VideoSpec {
        prompt: "sea".into(),
        seed: 1,
        width: 160,
        height: 90,
        duration_ms: 1_000,
        mode: VideoMode::Text,
        sound: false,
    };
    make_video(&spec).unwrap().bytes.into()
}

async fn submit(job: &Job) -> Report {
    match Sandbox::new(SandboxSettings::default()).submit(job).await.unwrap() {
        Submission::Finished(report) => report,
        Submission::Accepted { .. } => panic!("not finished"),
    }
}

fn file(output: &OutputReport) -> (&str, &Bytes) {
    match output {
        OutputReport::Media(Media::Bytes { content_type, bytes }) => (content_type, bytes),
        other => panic!("no file: {other:?}"),
    }
}

#[tokio::test]
async fn images_have_the_asked_ratio_and_number_and_repeat_with_their_seed() {
    let ask = Ask { count: Some(2), aspect_ratio: Some("16:9".into()), ..Ask::prompt(6) };
    let job = job("nano-banana-2", &ask, "a boat");
    let report = submit(&job).await;
    assert_eq!(report.outputs.len(), 2);
    for output in &report.outputs {
        let info = probe(file(output).1).unwrap();
        let (width, height) = (info.width.unwrap(), info.height.unwrap());
        assert_eq!((info.kind, width * 9 / 16), (MediaKind::WebP, height));
    }
    assert_ne!(report.outputs[0], report.outputs[1]);
    assert_eq!(submit(&job).await.outputs, report.outputs, "the same seed and prompt make the same");
    let other = Job { seed: 12, ..job };
    assert_ne!(submit(&other).await.outputs[0], report.outputs[0]);
}

#[tokio::test]
async fn every_mode_of_video_makes_a_video_of_the_asked_length() {
    let media = |role, bytes: &Bytes, content_type: &str| InputMedia {
        role,
        content_type: content_type.into(),
        bytes: bytes.clone(),
    };
    let (still, moving) = (picture(), clip());
    let png = |role| media(role, &still, "image/png");
    let mp4 = |role| media(role, &moving, "video/mp4");
    let mut seen = Vec::new();
    let cases = [
        (Mode::TextToOutput, vec![]),
        (Mode::ImageToOutput, vec![png(InputRole::Image)]),
        (Mode::References, vec![png(InputRole::Reference), png(InputRole::Reference)]),
        (Mode::SourceVideo, vec![mp4(InputRole::SourceVideo)]),
        (Mode::SourceVideoWithReferences, vec![mp4(InputRole::SourceVideo), png(InputRole::Reference)]),
        (Mode::MotionControl, vec![png(InputRole::Image), mp4(InputRole::SourceVideo)]),
        (Mode::FirstLastFrame, vec![png(InputRole::FirstFrame), png(InputRole::LastFrame)]),
    ];
    let mut base = job("genfire-v1", &Ask::prompt(6), "a boat");
    base.parameters.capability = Capability::VideoGeneration;
    base.parameters.media_type = Capability::VideoGeneration.media_type();
    base.parameters.aspect_ratio = Some("16:9".into());
    base.parameters.resolution = Some("180p".into());
    base.parameters.duration_seconds = Some(2.into());
    for (mode, inputs) in cases {
        let mut job = base.clone();
        job.parameters.mode = mode;
        job.media = inputs;
        let report = submit(&job).await;
        let (content_type, bytes) = file(&report.outputs[0]);
        let info = probe(bytes).unwrap();
        assert_eq!((content_type, info.kind, info.duration_ms), ("video/mp4", MediaKind::Mp4, Some(2_000)), "{mode}");
        assert_eq!((info.width, info.height), (Some(320), Some(180)), "{mode}");
        assert!(!seen.contains(bytes), "{mode} looks like another mode");
        seen.push(bytes.clone());
        let mut extend = job.clone();
        if mode == Mode::SourceVideo {
            extend.parameters.model = "veo-3-1-extend".into();
            let report = submit(&extend).await;
            let info = probe(file(&report.outputs[0]).1).unwrap();
            assert_eq!(info.duration_ms, Some(3_000), "the source and what was added");
        }
    }
    // An input that is missing or cannot be read is a failure of that output, never a panic.
    let mut broken = base.clone();
    broken.parameters.mode = Mode::ImageToOutput;
    assert!(matches!(submit(&broken).await.outputs[0], OutputReport::Failed(_)));
    broken.media = vec![media(InputRole::Image, &Bytes::from_static(b"no picture"), "image/png")];
    let report = submit(&broken).await;
    let OutputReport::Failed(reason) = &report.outputs[0] else { panic!("{report:?}") };
    assert_eq!(reason.code, "input_unreadable");
}

#[tokio::test]
async fn every_generator_gets_exactly_its_fields() {
    let catalog = catalog();
    let mut with_fields = 0;
    for generator in catalog.generators().filter(|generator| !generator.fields.is_empty()) {
        let mut job = job("gpt-5-nano", &Ask::prompt(6), &format!("{} about owls", generator.title));
        job.fields.clone_from(&generator.fields);
        job.generator = Some(generator.slug.clone());
        for seed in 0..20 {
            job.seed = seed;
            job.client_id = format!("run_{seed}_1");
            let report = submit(&job).await;
            let OutputReport::Text(fields) = &report.outputs[0] else { panic!("no text") };
            generator.check_fields(fields).unwrap_or_else(|problem| panic!("{}: {problem}", generator.slug));
            for (name, list) in fields.iter().filter_map(|(name, value)| Some((name, value.as_array()?))) {
                let different: HashSet<&str> = list.iter().filter_map(|item| item.as_str()).collect();
                assert_eq!(different.len(), list.len(), "{}: {name} says something twice: {list:?}", generator.slug);
            }
        }
        with_fields += 1;
    }
    assert!(with_fields > 60);
}

#[tokio::test]
async fn speech_and_music_are_wav_of_the_asked_length() {
    let catalog = catalog();
    let speech = catalog.models().find(|model| model.capability == Capability::SpeechGeneration).unwrap();
    let voice = catalog.voices().next().unwrap().id.clone();
    let ask = Ask { characters: Some(28), voice: Some(voice), ..Ask::prompt(28) };
    let report = submit(&job(&speech.slug, &ask, "Twenty-eight characters, ok.")).await;
    let info = probe(file(&report.outputs[0]).1).unwrap();
    assert_eq!((info.kind, info.duration_ms), (MediaKind::Wav, Some(2_000)));

    let mut music = job("gpt-5-nano", &Ask::prompt(6), "calm sea");
    music.parameters.capability = Capability::MusicGeneration;
    music.parameters.media_type = Capability::MusicGeneration.media_type();
    music.parameters.duration_seconds = Some(3.into());
    let report = submit(&music).await;
    let info = probe(file(&report.outputs[0]).1).unwrap();
    assert_eq!((info.kind, info.duration_ms), (MediaKind::Wav, Some(3_000)));
}

#[tokio::test]
async fn the_quality_is_chosen_where_it_was_left_open() {
    for (asked, prompt, chosen) in [
        ("auto", "x", Some("medium")),
        ("auto", "x [sandbox:quality=low]", Some("low")),
        ("high", "x [sandbox:quality=low]", None),
    ] {
        let ask = Ask { quality: Some(asked.into()), ..Ask::prompt(6) };
        let report = submit(&job("gpt-image-2", &ask, prompt)).await;
        assert_eq!(report.quality.as_deref(), chosen);
    }
}

#[tokio::test]
async fn cards_come_true_in_process() {
    let sandbox = Sandbox::new(SandboxSettings::default());
    let text = |client_id: &str, prompt: &str| Job {
        client_id: client_id.into(),
        ..job("gpt-5-nano", &Ask::prompt(6), prompt)
    };
    let unsent = sandbox.submit(&text("run_1_1", "x [sandbox:unsent]")).await;
    assert!(matches!(unsent, Err(SubmitError::NotSent(_))));
    assert!(sandbox.submit(&text("run_1_2", "x [sandbox:unsent]")).await.is_ok());
    assert!(matches!(sandbox.submit(&text("run_2_1", "x [sandbox:refuse]")).await, Err(SubmitError::Refused(_))));
    assert!(matches!(sandbox.submit(&text("run_3_1", "x [sandbox:lost-reply]")).await, Err(SubmitError::Unknown(_))));
    assert!(matches!(sandbox.submit(&text("run_4_1", "x [sandbox:unknown]")).await, Err(SubmitError::Unknown(_))));
    assert!(sandbox.probe("run_4_1").await.is_err());
    assert!(matches!(sandbox.submit(&text("run_5_1", "x [sandbox:fail]")).await, Ok(Submission::Accepted { .. })));
    assert!(matches!(sandbox.probe("run_5_1").await, Ok(Probe::Failed(..))));
    assert_eq!(sandbox.probe("run_6_1").await, Ok(Probe::NotFound));
    let report = submit(&text("run_7_1", "owls at night [sandbox:cost=1]")).await;
    let OutputReport::Text(fields) = &report.outputs[0] else { panic!("no text") };
    assert!(!fields["text"].as_str().unwrap().contains("sandbox"), "cards leave no trace");
}

fn text(n: u32, prompt: &str) -> Job {
    Job { client_id: format!("run_{n}_1"), ..job("gpt-5-nano", &Ask::prompt(6), prompt) }
}

#[tokio::test]
async fn what_is_kept_of_fetched_jobs_is_bounded_and_that_they_were_taken_stays_known() {
    let sandbox = Sandbox::new(SandboxSettings { kept_max: 3, ..SandboxSettings::default() });
    for n in 0..10 {
        sandbox.submit(&text(n, "x")).await.unwrap();
    }
    let known = async |n: u32| sandbox.probe(&format!("run_{n}_1")).await.unwrap();
    for n in 7..10 {
        assert!(matches!(known(n).await, Probe::Finished(_)), "{n}");
    }
    for n in 0..7 {
        assert_eq!(known(n).await, Probe::Gone, "never \"not found\": that would be sent again");
        assert_eq!(sandbox.cancel(&format!("run_{n}_1")).await, Ok(CancelReply::TooLate));
    }
    assert_eq!(known(10).await, Probe::NotFound);
    // Handed over again it is the same job: it is not made again.
    assert!(sandbox.submit(&text(0, "x")).await.is_ok());
    assert_eq!(known(0).await, Probe::Gone);
    assert_eq!(sandbox.jobs()[0].submissions, 2);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_fetched_is_never_thrown_away_for_the_sake_of_new_jobs() {
    let sandbox = Sandbox::new(SandboxSettings { kept_max: 3, kept_bytes_max: 0, ..SandboxSettings::default() });
    for n in 0..3 {
        assert!(matches!(sandbox.submit(&text(n, "x [sandbox:lost-reply]")).await, Err(SubmitError::Unknown(_))));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let full = sandbox.submit(&text(3, "x")).await;
    assert!(matches!(full, Err(SubmitError::NotSent(_))), "{full:?}");
    assert_eq!(sandbox.probe("run_3_1").await, Ok(Probe::NotFound));
    assert!(matches!(sandbox.probe("run_0_1").await, Ok(Probe::Finished(_))));
    assert!(sandbox.submit(&text(3, "x")).await.is_ok(), "what was fetched makes room");
    // Nobody comes for the other two.
    assert!(matches!(sandbox.submit(&text(4, "x [sandbox:lost-reply]")).await, Err(SubmitError::Unknown(_))));
    tokio::time::sleep(Duration::from_secs(26 * 3_600)).await;
    assert!(sandbox.submit(&text(5, "x")).await.is_ok());
    assert_eq!(sandbox.probe("run_1_1").await, Ok(Probe::Gone));
}

#[tokio::test]
async fn a_sandbox_that_had_to_forget_does_not_say_that_it_never_got_a_job() {
    let settings = SandboxSettings { kept_max: 1, records_max: 3, ..SandboxSettings::default() };
    let sandbox = Sandbox::new(settings);
    for n in 0..3 {
        sandbox.submit(&text(n, "x")).await.unwrap();
    }
    assert_eq!(sandbox.probe("run_9_1").await, Ok(Probe::NotFound));
    for n in 3..6 {
        sandbox.submit(&text(n, "x")).await.unwrap();
    }
    assert!(sandbox.probe("run_0_1").await.is_err(), "it cannot say");
    assert!(sandbox.probe("run_9_1").await.is_err());
    assert!(matches!(sandbox.probe("run_5_1").await, Ok(Probe::Finished(_))));
    assert_eq!(sandbox.jobs().len(), 3);
}

#[tokio::test]
async fn the_longest_speech_is_kept_until_it_was_fetched() {
    let catalog = catalog();
    let speech = catalog.models().find(|model| model.capability == Capability::SpeechGeneration).unwrap();
    let voice = catalog.voices().next().unwrap().id.clone();
    let said = "A word and another. ".repeat(2_000);
    let ask = Ask { characters: Some(40_000), voice: Some(voice), ..Ask::prompt(40_000) };
    let sandbox = Sandbox::new(SandboxSettings::default());
    let job = job(&speech.slug, &ask, &said);
    let Submission::Finished(report) = sandbox.submit(&job).await.unwrap() else { panic!("not finished") };
    assert!(file(&report.outputs[0]).1.len() > 120_000_000);
    assert!(matches!(sandbox.probe(&job.client_id).await, Ok(Probe::Finished(_))), "and once more");
}

/// One output of a model that works on what it is given.
async fn worked_on(model: &str, ask: &Ask, prompt: &str, media: Vec<InputMedia>) -> Report {
    submit(&Job { media, ..job(model, ask, prompt) }).await
}

fn given(role: InputRole, content_type: &str, bytes: Bytes) -> InputMedia {
    InputMedia { role, content_type: content_type.into(), bytes }
}

#[tokio::test]
async fn every_tool_makes_what_it_is_for() {
    let still = || vec![given(InputRole::Image, "image/png", picture())];
    let cut = worked_on("bria-background-remove", &Ask { images: 1, ..Ask::default() }, "", still()).await;
    let info = probe(file(&cut.outputs[0]).1).unwrap();
    assert_eq!((info.kind, info.width, info.height), (MediaKind::Png, Some(128), Some(96)));
    let larger = Ask { images: 1, scale_factor: Some(4), ..Ask::default() };
    let larger = worked_on("real-esrgan", &larger, "", still()).await;
    assert_eq!(probe(file(&larger.outputs[0]).1).unwrap().width, Some(512));
    let film = || vec![given(InputRole::SourceVideo, "video/mp4", clip())];
    let ask = Ask { source_video: true, media_seconds: Some(1.into()), ..Ask::default() };
    let upscaled = worked_on("fal-video-upscaler", &ask, "", film()).await;
    assert_eq!(probe(file(&upscaled.outputs[0]).1).unwrap().width, Some(320));
    let drawn = worked_on("recraft-v4-vector", &Ask::prompt(6), "a flower", Vec::new()).await;
    let (content_type, text) = file(&drawn.outputs[0]);
    assert!(content_type == "image/svg+xml" && text.starts_with(b"<svg "));
    let ask = Ask { duration_seconds: Some(2.into()), ..Ask::prompt(4) };
    let rain = worked_on("elevenlabs-sfx-v1", &ask, "rain", Vec::new()).await;
    assert_eq!(probe(file(&rain.outputs[0]).1).unwrap().duration_ms, Some(2_000));
    let ask = Ask { source_video: true, input_audio: true, media_seconds: Some(1.into()), ..Ask::default() };
    let sound = given(InputRole::InputAudio, "audio/wav", file(&rain.outputs[0]).1.clone());
    let synced = worked_on("lipsync-2-pro", &ask, "", [film(), vec![sound]].concat()).await;
    let info = probe(file(&synced.outputs[0]).1).unwrap();
    assert_eq!((info.kind, info.height, info.duration_ms), (MediaKind::Mp4, Some(720), Some(1_000)));
}

#[tokio::test]
async fn what_a_tool_cannot_read_fails_and_says_so() {
    for (model, ask, role) in [
        ("bria-background-remove", Ask { images: 1, ..Ask::default() }, InputRole::Image),
        ("fal-video-upscaler", Ask { source_video: true, ..Ask::default() }, InputRole::SourceVideo),
    ] {
        let nothing = vec![given(role, "image/png", Bytes::from_static(b"nothing"))];
        let report = worked_on(model, &ask, "", nothing).await;
        let OutputReport::Failed(reason) = &report.outputs[0] else { panic!("{model}") };
        assert_eq!(reason.code, "input_unreadable", "{model}");
    }
}

#[tokio::test]
async fn music_follows_what_it_is_told_and_the_picture_that_comes_along() {
    let ask = || Ask { duration_seconds: Some(8.into()), ..Ask::prompt(6) };
    let usual = submit(&job("elevenlabs-music-v1", &ask(), "a tune")).await;
    let mut detailed = job("elevenlabs-music-v1", &ask(), "a tune");
    detailed.parameters.choices.details = true;
    let report = submit(&detailed).await;
    let OutputReport::Both { media: Media::Bytes { bytes, .. }, fields } = &report.outputs[0] else { panic!() };
    assert_eq!(bytes, file(&usual.outputs[0]).1, "asking for details changes nothing of the sound");
    assert!(fields["tempo_bpm"].is_u64() && fields["sections"][0].get("start").is_none(), "{fields:?}");
    let mut inspired = job("lyria3-pro", &Ask { images: 1, ..Ask::prompt(6) }, "a tune");
    let plain = submit(&job("lyria3-pro", &Ask::prompt(6), "a tune")).await;
    inspired.media = vec![given(InputRole::Image, "image/png", picture())];
    assert_ne!(submit(&inspired).await.outputs, plain.outputs);
    let mut without = job("lyria3-pro", &Ask::prompt(6), "a fast dance tune");
    let with = submit(&without).await;
    without.negative_prompt = Some("drums".into());
    assert_ne!(submit(&without).await.outputs, with.outputs);
}
