//! What each endpoint makes of a body: what is accepted, with every default, and each refusal with
//! its code and sentence.

use mintmark_domain::catalog::{Catalog, Checked, Dialect, Sources};
use mintmark_domain::usecases::Refusal;
use serde_json::{Map, Value, json};

use super::asked::{Asked, Operation};
use super::audio::SPEECH;
use super::images::IMAGES;
use super::videos::VIDEOS;
use super::{audio, images, videos};
use crate::http::Problem;

fn catalog() -> Catalog {
    Catalog::load(&Sources::embedded()).unwrap()
}

type Read = fn(&Catalog, Map<String, Value>) -> Result<Asked, Problem>;

/// As a handler does it, up to the model's own judgement.
fn judged(catalog: &Catalog, operation: &Operation, read: Read, body: &Value) -> Result<(Asked, Checked), Problem> {
    let asked = read(catalog, body.as_object().unwrap().clone())?;
    let refused = |refusal: &Refusal| operation.refused(catalog, refusal, asked.images_field);
    let Some(model) = catalog.by_genfire_id(&asked.model) else {
        use mintmark_domain::catalog::{AskField, AskProblem, AskReason};
        return Err(refused(&Refusal::Ask(AskProblem::new(AskField::Model, AskReason::NotOffered))));
    };
    let checked = model.check(Dialect::Genfire, &asked.ask).map_err(|problem| refused(&Refusal::Ask(problem)))?;
    Ok((asked, checked))
}

fn images(body: Value) -> Result<Checked, (String, String)> {
    let judged = judged(&catalog(), &IMAGES, images::read, &body);
    judged.map(|(_, checked)| checked).map_err(|problem| (problem.code.into_owned(), problem.message))
}

fn videos(body: Value) -> Result<Checked, (String, String)> {
    let judged = judged(&catalog(), &VIDEOS, videos::read, &body);
    judged.map(|(_, checked)| checked).map_err(|problem| (problem.code.into_owned(), problem.message))
}

fn speech(body: Value) -> Result<Checked, (String, String)> {
    let judged = judged(&catalog(), &SPEECH, audio::read, &body);
    judged.map(|(_, checked)| checked).map_err(|problem| (problem.code.into_owned(), problem.message))
}

fn urls(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("https://example.com/{n}.png")).collect()
}

/// Whether a refusal has this code and a sentence that holds all of these.
fn assert_refused<T: std::fmt::Debug>(result: Result<T, (String, String)>, code: &str, holds: &[&str]) {
    let (refused, message) = result.expect_err("it was accepted");
    assert_eq!(refused, code, "{message}");
    for part in holds {
        assert!(message.contains(part), "{message:?} does not name {part:?}");
    }
}

#[test]
fn an_image_takes_every_documented_default() {
    let checked = images(json!({"prompt": "a bottle"})).unwrap();
    assert_eq!(checked.model, "nano-banana-2");
    assert_eq!(checked.aspect_ratio.as_deref(), Some("1:1"));
    assert_eq!((checked.count, checked.quality, checked.resolution), (1, None, None));
    let gpt = images(json!({"prompt": "a bottle", "model": "image.gpt_image_2"})).unwrap();
    assert_eq!(gpt.quality.as_deref(), Some("high"));
}

#[test]
fn a_video_takes_every_documented_default() {
    let checked = videos(json!({"prompt": "a watch"})).unwrap();
    assert_eq!(checked.model, "veo-3-1");
    assert_eq!(checked.aspect_ratio.as_deref(), Some("16:9"));
    assert_eq!(checked.duration_seconds, Some(5.into()));
    assert!(checked.generate_audio);
    // The nearest that the model makes.
    let veo3 = videos(json!({"prompt": "a watch", "model": "video.veo_3"})).unwrap();
    assert_eq!(veo3.duration_seconds, Some(8.into()));
}

#[test]
fn speech_takes_every_documented_default() {
    let checked = speech(json!({"text": "Hello.", "voice_id": "voice_abc123"})).unwrap();
    assert_eq!((checked.model.as_str(), checked.characters), ("elevenlabs-turbo-v2-5", 6));
    assert_eq!(checked.voice.as_deref(), Some("voice_abc123"));
}

#[test]
fn a_prompt_is_required_and_has_a_limit_in_unicode_scalars() {
    for missing in [json!({}), json!({"prompt": null}), json!({"prompt": " \n"})] {
        assert_refused(images(missing.clone()), "invalid_prompt", &["prompt is required."]);
        assert_refused(videos(missing), "invalid_prompt", &["prompt is required."]);
    }
    assert_refused(speech(json!({"voice_id": "voice_abc123"})), "invalid_prompt", &["text is required."]);
    assert_refused(images(json!({"prompt": 5})), "invalid_prompt", &["prompt must be a string, not 5."]);
    let longest = "é".repeat(20_000);
    assert_eq!(images(json!({"prompt": longest})).unwrap().prompt_chars, 20_000);
    assert_refused(images(json!({"prompt": longest.clone() + "é"})), "invalid_prompt", &["20000"]);
    assert_refused(videos(json!({"prompt": longest + "é"})), "invalid_prompt", &["20000"]);
    let spoken = json!({"text": "é".repeat(40_001), "voice_id": "voice_abc123"});
    assert_refused(speech(spoken), "invalid_prompt", &["text", "40000"]);
}

#[test]
fn a_model_of_another_kind_or_none_at_all_is_refused_with_those_that_there_are() {
    for named in ["video.veo_3_1", "image.nothing", ""] {
        let refused = images(json!({"prompt": "x", "model": named}));
        assert_refused(refused, "model_not_found", &["model", "image.nano_banana_2", "image.grok_imagine"]);
    }
    let refused = videos(json!({"prompt": "x", "model": "image.nano_banana_2"}));
    assert_refused(refused, "model_not_found", &["video.veo_3_1", "video.happy_horse"]);
    let refused = speech(json!({"text": "x", "voice_id": "voice_abc123", "model": "music.lyria3_pro"}));
    assert_refused(refused, "model_not_found", &["speech.elevenlabs_v3"]);
}

#[test]
fn a_value_that_is_not_allowed_is_refused_with_those_that_are() {
    let image = |field: &str, value: Value| images(json!({"prompt": "x", field: value}));
    assert_refused(image("aspect_ratio", json!("2:1")), "unsupported_value", &["aspect_ratio", "1:1", "9:21"]);
    assert_refused(image("count", json!(5)), "unsupported_value", &["count", "1 to 4"]);
    assert_refused(image("count", json!(0)), "unsupported_value", &["1 to 4"]);
    assert_refused(image("count", json!("2")), "invalid_value", &["count must be a whole number"]);
    assert_refused(image("quality", json!("best")), "unsupported_value", &["quality", "high", "auto"]);
    let video = |field: &str, value: Value| videos(json!({"prompt": "x", field: value}));
    assert_refused(video("duration", json!(7)), "unsupported_value", &["duration", "4, 5, 8"]);
    assert_refused(video("duration", json!(5.5)), "invalid_value", &["duration must be a whole number"]);
    assert_refused(video("aspect_ratio", json!("21:9")), "unsupported_value", &["16:9, 9:16, 1:1"]);
    assert_refused(video("generate_audio", json!("yes")), "invalid_value", &["generate_audio", "boolean"]);
    let seedance = json!({"prompt": "x", "model": "video.seedance_2_0", "resolution": "4k"});
    assert_refused(videos(seedance), "unsupported_value", &["resolution", "480p, 720p, 1080p"]);
}

#[test]
fn a_resolution_is_for_edits_by_the_nano_banana_family() {
    let edit = json!({"prompt": "x", "image_url": urls(1)[0], "resolution": "4K"});
    assert_eq!(images(edit).unwrap().resolution.as_deref(), Some("4K"));
    let alone = images(json!({"prompt": "x", "resolution": "2K"}));
    assert_refused(alone, "unsupported_input_combination", &["resolution must be paired with image_url."]);
    let other = json!({"prompt": "x", "model": "image.recraft_v4", "resolution": "2K"});
    assert_refused(images(other), "unsupported_value", &["resolution cannot be chosen"]);
}

#[test]
fn source_images_are_counted_over_both_fields() {
    let grok = json!({"prompt": "x", "model": "image.grok_imagine", "image_urls": urls(5)});
    assert_eq!(images(grok).unwrap().images, 3, "Grok uses the first three");
    let both = json!({"prompt": "x", "image_url": urls(1)[0], "image_urls": urls(2)});
    assert_eq!(images(both).unwrap().images, 3);
    assert_eq!(images(json!({"prompt": "x", "image_urls": urls(14)})).unwrap().images, 14);
    assert_refused(images(json!({"prompt": "x", "image_urls": urls(15)})), "unsupported_value", &["image_urls", "14"]);
    let over = json!({"prompt": "x", "image_url": urls(1)[0], "image_urls": urls(14)});
    assert_refused(images(over), "unsupported_value", &["image_urls", "14"]);
    let single = json!({"prompt": "x", "model": "image.genfire_v1", "image_urls": urls(2)});
    assert_refused(images(single), "unsupported_value", &["image_urls may hold at most 1"]);
}

#[test]
fn one_mention_drives_the_model_as_an_edit_does() {
    let ada = json!({"handle": "ada", "influencer_id": "model_1"});
    let mention = images(json!({"prompt": "@ada smiles", "mentions": [ada], "resolution": "2K"})).unwrap();
    assert_eq!(mention.mode, mintmark_domain::catalog::Mode::ImageToOutput);
    assert_eq!((mention.conditioning, mention.resolution.as_deref()), (1, Some("2K")));
    let without = json!({"prompt": "@ada smiles", "mentions": [ada], "model": "image.recraft_v4"});
    assert_refused(images(without), "unsupported_input_combination", &["text_to_output"]);
    let full = json!({"prompt": "x", "mentions": [ada], "model": "image.genfire_v1", "image_url": urls(1)[0]});
    assert_refused(images(full), "unsupported_value", &["image_url", "1"]);
    let two = json!({"prompt": "x", "mentions": [ada, ada]});
    assert_refused(images(two), "unsupported_value", &["mentions", "1"]);
    assert_refused(
        images(json!({"prompt": "x", "mentions": [{"handle": "ada"}]})),
        "invalid_value",
        &["influencer_id"],
    );
    assert!(images(json!({"prompt": "x", "mentions": []})).is_ok());
    assert_refused(images(json!({"prompt": "x", "mentions": "ada"})), "invalid_value", &["mentions must be an array"]);
}

#[test]
fn a_combination_that_the_model_does_not_declare_is_refused_with_those_that_it_does() {
    let url = &urls(1)[0];
    let refused = videos(json!({"prompt": "x", "model": "video.kling_v3_motion_control", "image_url": url}));
    assert_refused(refused, "unsupported_input_combination", &["motion_control"]);
    let refused = videos(json!({"prompt": "x", "first_frame_url": url}));
    assert_refused(refused, "unsupported_input_combination", &["first_frame_url must be paired with last_frame_url."]);
    let refused = videos(json!({"prompt": "x", "last_frame_url": url, "image_url": url}));
    assert_refused(refused, "unsupported_input_combination", &["last_frame_url must be paired with first_frame_url."]);
    let refused = videos(json!({"prompt": "x", "model": "video.sora_2", "source_video_url": url}));
    assert_refused(refused, "unsupported_input_combination", &["source_video_url", "text_to_output"]);
    let refused = videos(json!({"prompt": "x", "reference_image_urls": urls(10)}));
    assert_refused(refused, "unsupported_value", &["reference_image_urls", "9"]);
}

#[test]
fn each_documented_combination_is_driven_as_printed() {
    use mintmark_domain::catalog::Mode;
    let url = urls(1)[0].clone();
    let driven = |model: &str, inputs: Value| {
        let mut body = json!({"prompt": "x", "model": model});
        body.as_object_mut().unwrap().extend(inputs.as_object().unwrap().clone());
        videos(body).unwrap().mode
    };
    assert_eq!(driven("video.veo_3_1", json!({})), Mode::TextToOutput);
    assert_eq!(driven("video.veo_3_1", json!({"image_url": url})), Mode::ImageToOutput);
    assert_eq!(driven("video.happy_horse", json!({"reference_image_urls": urls(9)})), Mode::References);
    assert_eq!(driven("video.grok_video_edit", json!({"source_video_url": url})), Mode::SourceVideo);
    let motion = json!({"image_url": url, "source_video_url": url});
    assert_eq!(driven("video.kling_v26_motion_control", motion), Mode::MotionControl);
    let frames = json!({"first_frame_url": url, "last_frame_url": url});
    assert_eq!(driven("video.veo_3_1_fast", frames), Mode::FirstLastFrame);
    let edit = json!({"source_video_url": url, "reference_image_urls": urls(2)});
    assert_eq!(driven("video.kling_o3_pro", edit), Mode::SourceVideoWithReferences);
}

#[test]
fn a_voice_has_to_be_named() {
    assert_refused(speech(json!({"text": "Hello."})), "missing_value", &["voice_id is required."]);
    let long = json!({"text": "Hello.", "voice_id": "voice_abc123", "voice_name": "x".repeat(201)});
    assert_refused(speech(long), "invalid_value", &["voice_name", "200"]);
}

#[test]
fn an_address_that_cannot_be_had_is_named_by_the_field_it_came_from() {
    use mintmark_domain::ports::InputError;
    let catalog = catalog();
    let refused = |field: &'static str, images: &'static str| {
        let refusal = Refusal::Input { field, problem: InputError::Forbidden };
        IMAGES.refused(&catalog, &refusal, images).message
    };
    assert!(refused("images", "image_urls").starts_with("image_urls:"));
    assert!(refused("source_video", "image_url").starts_with("source_video_url:"));
    assert!(refused("last_frame", "image_url").starts_with("last_frame_url:"));
}
