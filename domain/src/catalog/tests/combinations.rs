//! Which inputs make which mode, and which models take it.

use super::{generor, genfire, prompt};
use crate::catalog::{
    Ask, AskCode, AskField, AskProblem, AskReason, Capability, Catalog, Dialect, Inputs, Mode, Sources,
};

fn mode(inputs: Inputs) -> Result<Mode, AskProblem> {
    inputs.mode(Capability::VideoGeneration)
}

#[test]
fn the_document_s_routing_table() {
    let none = Inputs::default();
    for (inputs, expected) in [
        (none, Mode::TextToOutput),
        (Inputs { images: 1, ..none }, Mode::ImageToOutput),
        (Inputs { references: 2, ..none }, Mode::References),
        (Inputs { source_video: true, ..none }, Mode::SourceVideo),
        (Inputs { images: 1, source_video: true, ..none }, Mode::MotionControl),
        (Inputs { first_frame: true, last_frame: true, ..none }, Mode::FirstLastFrame),
        (Inputs { references: 1, source_video: true, ..none }, Mode::SourceVideoWithReferences),
        (Inputs { reference_videos: 1, ..none }, Mode::References),
        (Inputs { images: 1, reference_videos: 1, ..none }, Mode::ImageToOutput),
        (Inputs { reference_audio: true, ..none }, Mode::TextToOutput),
    ] {
        assert_eq!(mode(inputs), Ok(expected), "{inputs:?}");
    }
}

#[test]
fn inputs_that_make_no_mode_are_refused() {
    let none = Inputs::default();
    let frames = Inputs { first_frame: true, last_frame: true, ..none };
    for (inputs, field) in [
        (Inputs { images: 1, ..frames }, AskField::FirstFrame),
        (Inputs { references: 1, ..frames }, AskField::FirstFrame),
        (Inputs { source_video: true, ..frames }, AskField::FirstFrame),
        (Inputs { images: 1, references: 1, ..none }, AskField::References),
        (Inputs { images: 1, references: 1, source_video: true, ..none }, AskField::References),
        (Inputs { input_audio: true, ..none }, AskField::InputAudio),
    ] {
        assert_eq!(mode(inputs), Err(AskProblem::new(field, AskReason::Combination)), "{inputs:?}");
    }
}

#[test]
fn a_frame_needs_its_partner() {
    let first = genfire("veo-3-1", &Ask { first_frame: true, ..prompt() }).unwrap_err();
    assert_eq!(first, AskProblem::new(AskField::FirstFrame, AskReason::NeedsPartner { partner: AskField::LastFrame }));
    assert_eq!(first.code(), AskCode::UnsupportedInputCombination);
    assert_eq!(first.to_string(), "first_frame must be paired with last_frame.");
    let last = generor("veo-3-1", &Ask { last_frame: true, ..prompt() }).unwrap_err();
    assert_eq!(last.reason, AskReason::NeedsPartner { partner: AskField::FirstFrame });
}

#[test]
fn a_vision_model_takes_images_and_nothing_else() {
    let vision = |inputs: Inputs| inputs.mode(Capability::Vision);
    assert_eq!(vision(Inputs { images: 1, ..Inputs::default() }), Ok(Mode::Vision));
    let both = Inputs { images: 1, source_video: true, ..Inputs::default() };
    assert_eq!(vision(both), Err(AskProblem::new(AskField::SourceVideo, AskReason::Combination)));
    let nothing = generor("qwen-vl-max", &prompt()).unwrap_err();
    assert_eq!(nothing.code(), AskCode::UnsupportedInputCombination);
    assert_eq!(nothing.allowed, ["vision"]);
}

#[test]
fn lipsync_needs_a_video_and_a_sound() {
    let ok = genfire("lipsync-2-pro", &Ask { source_video: true, input_audio: true, ..Ask::default() }).unwrap();
    assert_eq!((ok.mode, ok.resolution.as_deref(), ok.prompt_chars), (Mode::Lipsync, Some("720p"), 0));
    let silent = genfire("lipsync-2-pro", &Ask { source_video: true, ..Ask::default() }).unwrap_err();
    assert_eq!(
        (silent.field, silent.reason, silent.code()),
        (AskField::InputAudio, AskReason::Required, AskCode::MissingValue)
    );
    let blind = genfire("lipsync-2-pro", &Ask { input_audio: true, ..Ask::default() }).unwrap_err();
    assert_eq!((blind.field, blind.reason), (AskField::SourceVideo, AskReason::Required));
    let more = Ask { source_video: true, input_audio: true, images: 1, ..Ask::default() };
    assert_eq!(genfire("lipsync-2-pro", &more).unwrap_err().field, AskField::Images);
}

#[test]
fn transcription_needs_exactly_one_recording() {
    for (source_video, input_audio, ok) in
        [(true, false, true), (false, true, true), (true, true, false), (false, false, false)]
    {
        let ask = Ask { source_video, input_audio, ..Ask::default() };
        assert_eq!(genfire("whisper-v1", &ask).is_ok(), ok, "{source_video} {input_audio}");
    }
}

#[test]
fn what_a_model_misses_or_does_not_take_is_named() {
    let frames = Ask { images: 0, first_frame: true, last_frame: true, ..prompt() };
    for (slug, ask, field) in [
        ("happy-horse-video-edit", &prompt(), AskField::SourceVideo),
        ("happy-horse-r2v", &prompt(), AskField::References),
        ("wan-2-6-i2v", &prompt(), AskField::Images),
        ("dreamina-seedance-2-0", &frames, AskField::LastFrame),
        ("recraft-v4", &Ask { images: 1, ..prompt() }, AskField::Images),
    ] {
        assert_eq!(generor(slug, ask).unwrap_err().field, field, "{slug}");
    }
}

#[test]
fn a_model_takes_the_combinations_that_it_declares_and_no_other() {
    let image = Ask { images: 1, ..prompt() };
    let references = Ask { references: 1, ..prompt() };
    let video = Ask { source_video: true, ..prompt() };
    let motion = Ask { images: 1, source_video: true, ..prompt() };
    let frames = Ask { first_frame: true, last_frame: true, ..prompt() };
    for (slug, ask, ok) in [
        ("hailuo-23-fast", &prompt(), false),
        ("hailuo-23-fast", &image, true),
        ("recraft-v4", &image, false),
        ("genfire-v1", &image, true),
        ("veo-3-1", &frames, true),
        ("veo-3-1", &references, true),
        ("veo-3-1", &video, false),
        ("veo-3-1-fast", &references, false),
        ("veo-3-1-extend", &video, true),
        ("veo-3-1-extend", &prompt(), false),
        ("kling-v3-motion-control", &motion, true),
        ("kling-v3-motion-control", &image, false),
        ("kling-v26-pro", &motion, true),
        ("kling-v3", &frames, false),
        ("happy-horse", &video, true),
        ("sora-2", &motion, false),
    ] {
        match genfire(slug, ask) {
            Ok(checked) => assert!(ok, "{slug} took {:?}", checked.mode),
            Err(problem) => {
                assert!(!ok, "{slug}: {problem}");
                assert_eq!(problem.code(), AskCode::UnsupportedInputCombination, "{slug}: {problem}");
                assert!(!problem.allowed.is_empty(), "{slug}");
            }
        }
    }
}

#[test]
fn every_model_of_pictures_and_videos_takes_the_modes_that_it_declares_and_refuses_all_others() {
    let asks = [
        (Mode::TextToOutput, prompt()),
        (Mode::ImageToOutput, Ask { images: 1, ..prompt() }),
        (Mode::References, Ask { references: 1, ..prompt() }),
        (Mode::SourceVideo, Ask { source_video: true, ..prompt() }),
        (Mode::MotionControl, Ask { images: 1, source_video: true, ..prompt() }),
        (Mode::FirstLastFrame, Ask { first_frame: true, last_frame: true, ..prompt() }),
        (Mode::SourceVideoWithReferences, Ask { references: 1, source_video: true, ..prompt() }),
    ];
    let catalog = Catalog::load(&Sources::embedded()).unwrap();
    let made = [Capability::ImageGeneration, Capability::VideoGeneration];
    let models = catalog.offered_in(Dialect::Genfire).filter(|model| made.contains(&model.capability));
    let mut refused = 0;
    for model in models {
        let declared = &model.rules(Dialect::Genfire).unwrap().modes;
        for (mode, ask) in &asks {
            match model.check(Dialect::Genfire, ask) {
                Ok(checked) => {
                    assert!(declared.contains(mode), "{} took {mode:?}", model.slug);
                    assert_eq!(checked.mode, *mode, "{}", model.slug);
                }
                Err(problem) => {
                    assert!(!declared.contains(mode), "{} {mode:?}: {problem}", model.slug);
                    assert_eq!(problem.code(), AskCode::UnsupportedInputCombination, "{} {mode:?}", model.slug);
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn kling_o3_pro_takes_a_source_video_with_references_as_its_description_says() {
    let ask = Ask { source_video: true, references: 2, ..prompt() };
    assert_eq!(genfire("kling-o3-pro", &ask).unwrap().mode, Mode::SourceVideoWithReferences);
    assert_eq!(genfire("kling-o3", &ask).unwrap_err().code(), AskCode::UnsupportedInputCombination);
    assert!(genfire("kling-o3-pro", &Ask { source_video: true, ..prompt() }).is_err());
}

#[test]
fn generor_s_start_and_end_frames_work_for_the_models_that_it_names() {
    let frames = Ask { first_frame: true, last_frame: true, ..prompt() };
    for slug in ["veo-3-1", "wan-2-6-i2v", "seedance-pro-lite", "kling-v3"] {
        assert_eq!(generor(slug, &frames).unwrap().mode, Mode::FirstLastFrame, "{slug}");
    }
    for slug in ["seedance-1-5-pro", "sora-2", "happy-horse-r2v"] {
        assert_eq!(generor(slug, &frames).unwrap_err().code(), AskCode::UnsupportedInputCombination, "{slug}");
    }
}

#[test]
fn generor_s_reference_limits() {
    for (slug, source_video, max) in [
        ("veo-3-1", false, 3),
        ("seedance-2-0", false, 9),
        ("happy-horse-r2v", false, 9),
        ("happy-horse-video-edit", true, 5),
    ] {
        let ask = |references| Ask { references, source_video, ..prompt() };
        assert_eq!(generor(slug, &ask(max)).unwrap().references, max, "{slug}");
        let refused = generor(slug, &ask(max + 1)).unwrap_err();
        assert_eq!((refused.field, refused.reason), (AskField::References, AskReason::TooMany { max }), "{slug}");
        assert_eq!(refused.code(), AskCode::UnsupportedValue);
    }
}

#[test]
fn reference_videos_and_sound_go_where_the_document_says() {
    let videos = |n| Ask { reference_videos: n, ..prompt() };
    let sound = Ask { reference_audio: true, ..prompt() };
    assert_eq!(generor("seedance-2-0", &videos(3)).unwrap().reference_videos, 3);
    assert_eq!(generor("seedance-2-0", &videos(4)).unwrap_err().reason, AskReason::TooMany { max: 3 });
    assert_eq!(generor("seedance-2-0", &sound).unwrap_err().reason, AskReason::TooMany { max: 0 });
    assert!(generor("dreamina-seedance-2-0-lite", &sound).unwrap().reference_audio);
    assert_eq!(
        generor("dreamina-seedance-2-0", &Ask { source_video: true, ..prompt() }).unwrap().mode,
        Mode::SourceVideo
    );
    let refused = generor("veo-3-1", &Ask { reference_videos: 1, references: 1, ..prompt() }).unwrap_err();
    assert_eq!(refused.to_string(), "reference_videos is not supported by this model.");
}
