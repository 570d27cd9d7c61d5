//! The models as the GenFire document prints them. `printed_models.jsonl` holds its 62 entries, one
//! a line, field for field.

use serde_json::Value;

use super::catalog;
use crate::catalog::{Capability, Dialect};

const PRINTED: &str = include_str!("printed_models.jsonl");

#[test]
fn every_genfire_model_is_listed_as_printed_to_the_last_byte() {
    let listed: Vec<String> = catalog()
        .offered_in(Dialect::Genfire)
        .map(|model| serde_json::to_string(model.genfire.as_ref().unwrap()).unwrap())
        .collect();
    let printed: Vec<&str> = PRINTED.lines().collect();
    assert_eq!(listed.len(), 62);
    assert_eq!(listed, printed);
}

#[test]
fn the_printed_limits_are_the_limits_that_are_enforced() {
    for line in PRINTED.lines() {
        let printed: Value = serde_json::from_str(line).unwrap();
        let id = printed["id"].as_str().unwrap();
        let model = catalog().by_genfire_id(id).unwrap();
        let rules = model.rules(Dialect::Genfire).unwrap();
        if let Some(ratios) = printed["limits"]["aspect_ratios"].as_array() {
            assert_eq!(
                &rules.aspect_ratios.iter().map(|r| Value::from(r.as_str())).collect::<Vec<_>>(),
                ratios,
                "{id}"
            );
        }
        if let Some(count) = printed["limits"]["max_count"].as_u64() {
            assert_eq!(u64::from(rules.count_max), count, "{id}");
        }
        if let Some(characters) = printed["limits"]["max_characters"].as_u64() {
            assert_eq!(u64::from(rules.characters_max), characters, "{id}");
        }
        if let Some(flags) = printed["capabilities"].as_object() {
            for (name, flagged) in flags {
                let has = rules.modes.iter().any(|mode| mode.as_str() == name);
                assert_eq!(Value::from(has), *flagged, "{id}: {name}");
            }
        }
    }
}

#[test]
fn the_document_s_defaults_are_the_defaults() {
    for (capability, id) in [
        (Capability::ImageGeneration, "image.nano_banana_2"),
        (Capability::VideoGeneration, "video.veo_3_1"),
        (Capability::SpeechGeneration, "speech.elevenlabs_turbo_v2_5"),
        (Capability::MusicGeneration, "music.elevenlabs_music_v1"),
        (Capability::SoundEffectGeneration, "sfx.elevenlabs_v1"),
        (Capability::Transcription, "transcription.whisper_v1"),
        (Capability::ImageEditing, "image_edit.bria_background_remove"),
        (Capability::VideoUpscaling, "video_upscale.fal_video_upscaler"),
        (Capability::LipsyncGeneration, "lipsync.lipsync_2_pro"),
    ] {
        let model = catalog().default_model(Dialect::Genfire, capability).unwrap();
        assert_eq!(model.name_in(Dialect::Genfire).unwrap(), id);
    }
}
