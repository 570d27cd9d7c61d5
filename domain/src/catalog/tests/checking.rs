//! Values: what is accepted, what is filled in, what is refused and with which words.

use rust_decimal::Decimal;
use rust_decimal::prelude::FromStr;

use super::{catalog, generor, genfire, model, prompt};
use crate::catalog::{Ask, AskCode, AskField, AskProblem, AskReason, Dialect, Mode};

fn seconds(n: u32) -> Ask {
    Ask { duration_seconds: Some(n.into()), ..prompt() }
}

fn ratio(text: &str) -> Ask {
    Ask { aspect_ratio: Some(text.to_owned()), ..prompt() }
}

fn girl(ask: &Ask) -> Result<crate::catalog::Checked, AskProblem> {
    model("anime-portrait").check(Dialect::GirlGenerator, ask)
}

#[test]
fn nothing_but_a_prompt_gets_every_default() {
    let image = genfire("nano-banana-2", &prompt()).unwrap();
    assert_eq!((image.mode, image.count, image.aspect_ratio.as_deref()), (Mode::TextToOutput, 1, Some("1:1")));
    assert_eq!((image.resolution, image.quality, image.duration_seconds), (None, None, None));
    let video = genfire("veo-3-1", &prompt()).unwrap();
    assert_eq!((video.aspect_ratio.as_deref(), video.duration_seconds), (Some("16:9"), Some(Decimal::from(5))));
    assert!(video.generate_audio);
    let text = generor("gpt-5-nano", &prompt()).unwrap();
    assert_eq!((text.language.as_deref(), text.temperature, text.aspect_ratio), (Some("auto"), None, None));
    let speech = generor("elevenlabs-turbo-v2-5", &prompt()).unwrap();
    assert_eq!((speech.voice.as_deref(), speech.characters, speech.prompt_chars), (Some("voice_abc123"), 20, 0));
}

#[test]
fn a_missing_or_blank_prompt_is_refused() {
    for ask in [Ask::default(), Ask::prompt(0)] {
        let problem = genfire("nano-banana-2", &ask).unwrap_err();
        assert_eq!(problem, AskProblem::new(AskField::Prompt, AskReason::Required));
        assert_eq!(problem.code().as_str(), "invalid_prompt");
        assert_eq!(problem.to_string(), "prompt is required.");
    }
    assert_eq!(Ask::length_of(" \n\t"), 0);
    assert_eq!(Ask::length_of("né 🦀"), 4);
}

#[test]
fn each_dialect_has_its_own_longest_prompt() {
    for (slug, dialect, max) in [
        ("nano-banana-2", Dialect::Genfire, 20_000),
        ("nano-banana-2", Dialect::Generor, 10_000),
        ("nano-banana-2", Dialect::GirlGenerator, 2_000),
        ("lyria3-pro", Dialect::Genfire, 5_000),
    ] {
        assert!(model(slug).check(dialect, &Ask::prompt(max)).is_ok(), "{slug} {dialect}");
        let problem = model(slug).check(dialect, &Ask::prompt(max + 1)).unwrap_err();
        assert_eq!((problem.reason, problem.code()), (AskReason::TooLong { max }, AskCode::InvalidPrompt));
    }
}

#[test]
fn a_prompt_may_be_absent_where_an_image_is_enough() {
    let ask = Ask { images: 1, ..Ask::default() };
    assert_eq!(generor("qwen-vl-max", &ask).unwrap().mode, Mode::Vision);
    assert_eq!(generor("bria-background-remove", &ask).unwrap().mode, Mode::ImageToOutput);
    assert_eq!(generor("flux-1-1-pro", &ask).unwrap_err().code(), AskCode::InvalidPrompt);
    assert_eq!(generor("qwen-vl-max", &Ask::default()).unwrap_err().reason, AskReason::Required);
}

#[test]
fn a_model_that_is_not_offered_in_a_dialect_is_not_found_there() {
    let problem = genfire("flux-1-1-pro", &prompt()).unwrap_err();
    assert_eq!((problem.reason, problem.code()), (AskReason::NotOffered, AskCode::ModelNotFound));
    assert!(model("flux-1-1-pro").check(Dialect::Native, &prompt()).is_ok());
}

#[test]
fn counts_go_from_one_to_what_the_dialect_allows() {
    for (dialect, max) in [(Dialect::Genfire, 4), (Dialect::Generor, 10), (Dialect::GirlGenerator, 1)] {
        let ask = |count| Ask { count: Some(count), ..prompt() };
        let checked = model("nano-banana-2").check(dialect, &ask(max)).unwrap();
        assert_eq!(i64::from(checked.count), max);
        for refused in [0, -1, max + 1, i64::MAX] {
            let problem = model("nano-banana-2").check(dialect, &ask(refused)).unwrap_err();
            assert_eq!(
                (problem.field, problem.reason),
                (AskField::Count, AskReason::NotAllowed),
                "{dialect} {refused}"
            );
        }
    }
    let problem = genfire("nano-banana-2", &Ask { count: Some(5), ..prompt() }).unwrap_err();
    assert_eq!(problem.to_string(), "count has a value that is not allowed here. Allowed: 1 to 4.");
}

#[test]
fn a_ratio_outside_the_list_is_refused_with_the_list() {
    assert_eq!(genfire("nano-banana-2", &ratio("9:21")).unwrap().aspect_ratio.as_deref(), Some("9:21"));
    let problem = genfire("seedream-v45", &ratio("4:3")).unwrap_err();
    assert_eq!((problem.field, problem.code()), (AskField::AspectRatio, AskCode::UnsupportedValue));
    assert_eq!(problem.allowed, ["1:1", "16:9", "9:16"]);
    assert_eq!(generor("veo-3-1", &ratio("1:1")).unwrap_err().allowed, ["16:9", "9:16"]);
    assert_eq!(generor("flux-schnell", &ratio("3:4")).unwrap().aspect_ratio.as_deref(), Some("3:4"));
}

#[test]
fn a_ratio_means_nothing_to_a_text() {
    assert_eq!(generor("gpt-5-nano", &ratio("16:9")).unwrap().aspect_ratio, None);
}

#[test]
fn auto_follows_the_image_and_is_square_without_one() {
    assert_eq!(girl(&prompt()).unwrap().aspect_ratio.as_deref(), Some("1:1"));
    assert_eq!(girl(&Ask { images: 1, ..ratio("auto") }).unwrap().aspect_ratio, None);
    assert_eq!(girl(&Ask { images: 1, ..ratio("3:2") }).unwrap().aspect_ratio.as_deref(), Some("3:2"));
    assert_eq!(girl(&ratio("21:9")).unwrap_err().allowed.len(), 8);
}

#[test]
fn girlgenerator_takes_ten_images() {
    assert_eq!(girl(&Ask { images: 10, ..prompt() }).unwrap().images, 10);
    assert_eq!(girl(&Ask { images: 11, ..prompt() }).unwrap_err().reason, AskReason::TooMany { max: 10 });
}

#[test]
fn a_length_that_nobody_asked_for_is_five_seconds_or_the_nearest_and_shorter_of_two_as_near() {
    for (slug, expected) in
        [("veo-3-1", 5), ("sora-2", 4), ("hailuo-23", 6), ("veo-3", 8), ("veo-3-1-extend", 7), ("grok-video-extend", 5)]
    {
        let mut ask = prompt();
        ask.source_video = slug.ends_with("extend");
        assert_eq!(genfire(slug, &ask).unwrap().duration_seconds, Some(expected.into()), "{slug}");
    }
}

#[test]
fn genfire_takes_the_printed_lengths_only() {
    assert_eq!(genfire("veo-3-1", &seconds(8)).unwrap().duration_seconds, Some(Decimal::from(8)));
    let problem = genfire("veo-3-1", &seconds(6)).unwrap_err();
    assert_eq!(
        (problem.field, problem.allowed),
        (AskField::DurationSeconds, vec!["4".to_owned(), "5".into(), "8".into()])
    );
    assert!(genfire("happy-horse", &seconds(6)).is_err());
}

#[test]
fn generor_takes_any_whole_length_between_the_least_and_the_greatest() {
    for n in 4..=8 {
        assert_eq!(generor("veo-3-1", &seconds(n)).unwrap().duration_seconds, Some(n.into()));
    }
    assert_eq!(generor("veo-3-1", &seconds(9)).unwrap_err().allowed, ["4 to 8"]);
    let half = Ask { duration_seconds: Some(Decimal::from_str("4.5").unwrap()), ..prompt() };
    assert_eq!(generor("veo-3-1", &half).unwrap_err().field, AskField::DurationSeconds);
    let printed = Ask { references: 2, ..seconds(6) };
    assert_eq!(generor("happy-horse-r2v", &printed).unwrap().duration_seconds, Some(Decimal::from(6)));
    let printed = Ask { source_video: true, ..seconds(5) };
    assert_eq!(generor("happy-horse-video-edit", &printed).unwrap().duration_seconds, Some(Decimal::from(5)));
}

#[test]
fn music_and_sounds_take_fractions_and_lyria_takes_none() {
    let ask = |text: &str| Ask { duration_seconds: Some(Decimal::from_str(text).unwrap()), ..prompt() };
    assert_eq!(genfire("elevenlabs-music-v1", &prompt()).unwrap().duration_seconds, Some(Decimal::from(30)));
    assert_eq!(genfire("elevenlabs-music-v1", &ask("12.50")).unwrap().duration_seconds.unwrap().to_string(), "12.5");
    for refused in ["0", "-3", "300.1"] {
        assert_eq!(genfire("elevenlabs-music-v1", &ask(refused)).unwrap_err().allowed, ["1 to 300"], "{refused}");
    }
    assert_eq!(genfire("elevenlabs-sfx-v1", &ask("31")).unwrap_err().allowed, ["1 to 30"]);
    assert_eq!(genfire("lyria3-pro", &ask("600")).unwrap().duration_seconds, None);
}

#[test]
fn a_resolution_is_for_the_models_that_have_one() {
    let at = |text: &str| Ask { resolution: Some(text.to_owned()), ..prompt() };
    assert_eq!(genfire("seedance-2-0", &prompt()).unwrap().resolution.as_deref(), Some("720p"));
    assert_eq!(genfire("seedance-2-0", &at("1080P")).unwrap().resolution.as_deref(), Some("1080p"));
    assert_eq!(genfire("seedance-2-0", &at("4k")).unwrap_err().allowed, ["480p", "720p", "1080p"]);
    assert_eq!(genfire("kling-o3-4k", &prompt()).unwrap().resolution.as_deref(), Some("4k"));
    let problem = genfire("veo-3-1", &at("1080p")).unwrap_err();
    assert_eq!((problem.reason, problem.code()), (AskReason::NotSupported, AskCode::UnsupportedValue));
}

#[test]
fn the_nano_bananas_take_a_resolution_for_edits_only() {
    let edit = Ask { images: 2, ..prompt() };
    assert_eq!(genfire("nano-banana-2", &edit).unwrap().resolution.as_deref(), Some("1K"));
    let large = Ask { resolution: Some("4K".to_owned()), ..edit };
    assert_eq!(genfire("nano-banana-pro", &large).unwrap().resolution.as_deref(), Some("4K"));
    let problem = genfire("nano-banana", &Ask { images: 0, ..large }).unwrap_err();
    assert_eq!(problem.reason, AskReason::NeedsPartner { partner: AskField::Images });
    assert_eq!(problem.code(), AskCode::UnsupportedInputCombination);
}

#[test]
fn quality_is_gpt_image_2_s_and_elsewhere_only_the_default_may_be_said() {
    let at = |text: &str| Ask { quality: Some(text.to_owned()), ..prompt() };
    assert_eq!(genfire("gpt-image-2", &prompt()).unwrap().quality.as_deref(), Some("high"));
    assert_eq!(genfire("gpt-image-2", &at("auto")).unwrap().quality.as_deref(), Some("auto"));
    for said in ["high", "auto"] {
        assert_eq!(genfire("nano-banana-2", &at(said)).unwrap().quality, None);
    }
    for (slug, refused, allowed) in [
        ("gpt-image-2", "ultra", "low medium high auto"),
        ("nano-banana-2", "low", "high auto"),
        ("nano-banana-2", "ultra", "high auto"),
    ] {
        let problem = genfire(slug, &at(refused)).unwrap_err();
        assert_eq!((problem.field, problem.allowed.join(" ")), (AskField::Quality, allowed.to_owned()));
    }
}

#[test]
fn image_inputs_as_printed() {
    let images = |n| Ask { images: n, ..prompt() };
    for slug in ["gpt-image-2", "seedream-v45", "qwen-image-2", "nano-banana-2"] {
        assert_eq!(genfire(slug, &images(14)).unwrap().images, 14, "{slug}");
        assert_eq!(genfire(slug, &images(15)).unwrap_err().reason, AskReason::TooMany { max: 14 });
    }
    assert_eq!(genfire("grok-imagine", &images(5)).unwrap().images, 3, "Grok uses the first three");
    assert_eq!(genfire("genfire-v1", &images(2)).unwrap_err().reason, AskReason::TooMany { max: 1 });
    assert_eq!(
        genfire("veo-3-1", &Ask { references: 10, ..prompt() }).unwrap_err().reason,
        AskReason::TooMany { max: 9 }
    );
}

#[test]
fn sound_is_chosen_where_the_model_has_the_choice() {
    let ask = |on| Ask { generate_audio: Some(on), ..prompt() };
    assert!(!genfire("veo-3-1", &ask(false)).unwrap().generate_audio);
    assert!(genfire("veo-3-1", &ask(true)).unwrap().generate_audio);
    assert!(!genfire("kling-o3", &ask(true)).unwrap().generate_audio);
    assert!(generor("seedance-1-5-pro", &prompt()).unwrap().generate_audio);
    assert!(!generor("dreamina-seedance-2-0", &ask(true)).unwrap().generate_audio);
}

#[test]
fn speech_needs_a_text_and_in_genfire_a_voice() {
    let ask = Ask { characters: Some(40_000), voice: Some("voice_abc123".to_owned()), ..Ask::default() };
    let checked = genfire("elevenlabs-v3", &ask).unwrap();
    assert_eq!((checked.characters, checked.voice.as_deref()), (40_000, Some("voice_abc123")));
    let long = genfire("elevenlabs-v3", &Ask { characters: Some(40_001), ..ask.clone() }).unwrap_err();
    assert_eq!((long.reason, long.code()), (AskReason::TooLong { max: 40_000 }, AskCode::InvalidPrompt));
    let blank = genfire("elevenlabs-v3", &Ask { characters: None, ..ask.clone() }).unwrap_err();
    assert_eq!(blank.to_string(), "text is required.");
    let voiceless = genfire("elevenlabs-v3", &Ask { voice: None, ..ask.clone() }).unwrap_err();
    assert_eq!((voiceless.field, voiceless.code()), (AskField::Voice, AskCode::MissingValue));
    let format = |text: &str| Ask { output_format: Some(text.to_owned()), ..ask.clone() };
    assert_eq!(genfire("elevenlabs-v3", &format("wav")).unwrap().output_format.as_deref(), Some("wav"));
    // Another format than was asked for would come silently.
    let refused = genfire("elevenlabs-v3", &format("mp3_44100_128")).unwrap_err();
    assert_eq!(refused.to_string(), "output_format has a value that is not allowed here. Allowed: wav.");
    let image = Ask { output_format: Some("wav".to_owned()), ..prompt() };
    assert_eq!(genfire("nano-banana-2", &image).unwrap_err().reason, AskReason::NotSupported);
}

#[test]
fn enlarging_takes_the_printed_factors() {
    let ask = |factor| Ask { source_video: true, scale_factor: factor, ..Ask::default() };
    assert_eq!(genfire("fal-video-upscaler", &ask(None)).unwrap().scale_factor, Some(2));
    assert_eq!(genfire("fal-video-upscaler", &ask(Some(4))).unwrap().scale_factor, Some(4));
    assert_eq!(genfire("fal-video-upscaler", &ask(Some(3))).unwrap_err().allowed, ["2", "4"]);
}

#[test]
fn what_is_worked_on_may_last_two_hours() {
    let ask = |n: i64| Ask { input_audio: true, media_seconds: Some(n.into()), ..Ask::default() };
    assert_eq!(genfire("whisper-v1", &ask(7_200)).unwrap().media_seconds, Some(Decimal::from(7_200)));
    for refused in [7_201, 0, -1] {
        assert_eq!(genfire("whisper-v1", &ask(refused)).unwrap_err().field, AskField::MediaSeconds, "{refused}");
    }
}

#[test]
fn language_and_temperature_are_a_text_s() {
    let ask = |language: &str, temperature: &str| Ask {
        language: Some(language.to_owned()),
        temperature: Some(Decimal::from_str(temperature).unwrap()),
        ..prompt()
    };
    let checked = generor("gpt-5-nano", &ask("nb-NO", "0.70")).unwrap();
    assert_eq!(
        (checked.language.as_deref(), checked.temperature.unwrap().to_string()),
        (Some("nb-NO"), "0.7".to_owned())
    );
    for refused in ["Norwegian please", "e", "", "en-", "en_US"] {
        assert_eq!(generor("gpt-5-nano", &ask(refused, "1")).unwrap_err().field, AskField::Language, "{refused}");
    }
    for refused in ["-0.1", "2.1"] {
        assert_eq!(generor("gpt-5-nano", &ask("auto", refused)).unwrap_err().allowed, ["0.0 to 2.0"]);
        assert_eq!(generor("flux-schnell", &ask("auto", refused)).unwrap_err().field, AskField::Temperature);
    }
    let image = generor("flux-schnell", &ask("auto", "1")).unwrap();
    assert_eq!((image.language, image.temperature), (None, None));
}

#[test]
fn a_refusal_can_be_said_in_a_dialect_s_own_names() {
    let problem = generor("veo-3-1", &seconds(20)).unwrap_err();
    let said = problem.message(|field| if field == AskField::DurationSeconds { "seconds" } else { field.as_str() });
    assert_eq!(said, "seconds has a value that is not allowed here. Allowed: 4 to 8.");
}

#[test]
fn every_model_accepts_its_own_sample_in_every_dialect() {
    for model in catalog().models() {
        for dialect in Dialect::ALL {
            match model.rules(dialect) {
                Some(_) => {
                    let sample = model.sample(dialect).unwrap();
                    assert_eq!(
                        (sample.count, sample.model.as_str(), sample.dialect),
                        (1, model.slug.as_str(), dialect)
                    );
                }
                None => assert_eq!(model.sample(dialect), None),
            }
        }
    }
}

#[test]
fn what_was_checked_survives_being_stored_and_its_form_is_frozen() {
    let ask = Ask { images: 1, ..seconds(8) };
    let checked = genfire("veo-3-1", &ask).unwrap();
    let stored = serde_json::to_string(&checked).unwrap();
    assert_eq!(
        stored,
        r#"{"model":"veo-3-1","dialect":"genfire","capability":"video_generation","media_type":"video","mode":"image_to_output","count":1,"prompt_chars":20,"aspect_ratio":"16:9","duration_seconds":"8","generate_audio":true,"images":1}"#
    );
    assert_eq!(serde_json::from_str::<crate::catalog::Checked>(&stored).unwrap(), checked);
}

#[test]
fn everything_that_can_be_checked_survives_being_stored() {
    let all = Ask { images: 2, resolution: Some("2K".to_owned()), count: Some(3), ..ratio("21:9") };
    let enlarged =
        Ask { source_video: true, media_seconds: Some(Decimal::new(25, 1)), scale_factor: Some(4), ..Ask::default() };
    let spoken =
        Ask { characters: Some(9), voice: Some("v".to_owned()), output_format: Some("wav".to_owned()), ..prompt() };
    let referred = Ask { references: 3, reference_videos: 2, reference_audio: true, ..prompt() };
    let framed = Ask { first_frame: true, last_frame: true, ..prompt() };
    let heard = Ask { input_audio: true, ..Ask::default() };
    let told = Ask { language: Some("de".to_owned()), temperature: Some(Decimal::ONE), ..prompt() };
    for checked in [
        genfire("nano-banana-2", &all),
        genfire("fal-video-upscaler", &enlarged),
        genfire("elevenlabs-v3", &spoken),
        generor("dreamina-seedance-2-0", &referred),
        genfire("veo-3-1", &framed),
        genfire("whisper-v1", &heard),
        generor("gpt-5", &told),
        genfire("gpt-image-2", &Ask { quality: Some("auto".to_owned()), ..prompt() }),
    ] {
        let checked = checked.unwrap();
        let stored = serde_json::to_string(&checked).unwrap();
        assert_eq!(serde_json::from_str::<crate::catalog::Checked>(&stored).unwrap(), checked, "{stored}");
    }
}
