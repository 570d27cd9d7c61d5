//! Names, lists and lookups.

use std::collections::BTreeSet;

use super::{catalog, model};
use crate::catalog::{Capability, Dialect, ModelType, Sources};

#[test]
fn the_integers_that_the_generor_document_names_are_these_models() {
    for (id, name, model_name, kind) in [
        (3, "GPT 5 Nano", "gpt-5-nano", ModelType::Text),
        (34, "Qwen VL Max", "qwen-vl-max", ModelType::Text),
        (10001, "Flux 1.1 Pro", "black-forest-labs/flux-1.1-pro", ModelType::Image),
        (10003, "Flux Schnell", "black-forest-labs/flux-schnell", ModelType::Image),
        (20050, "Happy Horse 1.0 R2V", "alibaba/happy-horse-1.0-r2v", ModelType::Video),
        (20051, "Happy Horse Video Edit", "alibaba/happy-horse-video-edit", ModelType::Video),
        (20060, "Dreamina Seedance 2.0", "dreamina-seedance-2-0", ModelType::Video),
        (20061, "Dreamina Seedance 2.0 Fast", "dreamina-seedance-2-0-fast", ModelType::Video),
        (20062, "Dreamina Seedance 2.0 Lite", "dreamina-seedance-2-0-lite", ModelType::Video),
    ] {
        let listing = catalog().by_generor_id(id).unwrap().generor.clone().unwrap();
        assert_eq!(
            (listing.id, listing.name.as_str(), listing.model_name.as_str(), listing.model_type),
            (id, name, model_name, kind)
        );
    }
}

#[test]
fn every_model_that_the_generor_document_names_exists() {
    let names: BTreeSet<&str> =
        catalog().models().filter_map(|m| m.generor.as_ref()).map(|l| l.name.as_str()).collect();
    for name in ["Veo 3.1", "Seedance 1.5 Pro", "Wan 2.6 I2V", "Seedance Pro Lite", "Kling v3", "Seedance 2.0"] {
        assert!(names.contains(name), "{name}");
    }
}

#[test]
fn each_of_the_nine_types_has_a_model_within_its_range() {
    for kind in ModelType::ALL {
        let ids: Vec<u32> = catalog()
            .models()
            .filter_map(|model| model.generor.as_ref())
            .filter(|listing| listing.model_type == kind)
            .map(|listing| listing.id)
            .collect();
        let (first, last) = kind.id_range();
        assert!(!ids.is_empty(), "{kind}");
        assert!(ids.iter().all(|id| (first..=last).contains(id)), "{kind}: {ids:?}");
    }
}

#[test]
fn flux_is_listed_as_the_document_prints_it() {
    let listing = model("flux-1-1-pro").generor.as_ref().unwrap();
    assert_eq!(listing.provider, "replicate");
    assert!(listing.supports_img2img);
    assert!(listing.supports_aspect_ratio);
    assert!(listing.description.starts_with("High-quality image generation"));
}

#[test]
fn a_model_is_found_by_each_of_its_names() {
    let veo = model("veo-3-1");
    assert_eq!(catalog().by_genfire_id("video.veo_3_1"), Some(veo));
    assert_eq!(catalog().by_generor_id(20010), Some(veo));
    for name in ["veo-3-1", "video.veo_3_1", "20010"] {
        assert_eq!(catalog().find(Dialect::Native, name), Some(veo), "{name}");
    }
    assert_eq!(catalog().find(Dialect::Genfire, "veo-3-1"), None);
    assert_eq!(catalog().find(Dialect::Generor, "020010"), None);
    assert_eq!(catalog().by_generor_id(4_000_000_000), None);
}

#[test]
fn girlgenerator_has_one_default_and_a_few_others() {
    let slugs: Vec<&str> = catalog().offered_in(Dialect::GirlGenerator).map(|m| m.slug.as_str()).collect();
    assert_eq!(slugs, ["nano-banana-2", "nano-banana", "qwen-image-2", "anime-portrait"]);
    let default = catalog().default_model(Dialect::GirlGenerator, Capability::ImageGeneration).unwrap();
    assert_eq!(default.slug, "anime-portrait");
}

#[test]
fn every_capability_of_a_model_has_a_route() {
    let routed: BTreeSet<Capability> =
        catalog().models().filter(|model| catalog().route(model).is_some()).map(|model| model.capability).collect();
    let of_a_model = |capability: &Capability| *capability != Capability::ProductExtraction;
    assert_eq!(routed, Capability::ALL.into_iter().filter(of_a_model).collect());
    let of_models = |route: &&super::super::Route| !route.capabilities.contains(&Capability::ProductExtraction);
    assert!(catalog().routes().filter(of_models).all(|route| route.provider == "sandbox"));
    assert_eq!(
        catalog().route_of(Capability::ProductExtraction).map(|route| route.provider.as_str()),
        Some("extractor")
    );
}

#[test]
fn a_route_that_names_a_model_goes_before_one_that_means_it_by_capability() {
    let sources = Sources::embedded().with(
        "routes.toml",
        "[[route]]\nprovider = \"sandbox\"\ncapabilities = [\"text_generation\", \"vision\", \"image_generation\", \"video_generation\", \"speech_generation\", \
         \"image_editing\", \"image_upscaling\", \"vector_generation\", \"music_generation\", \"sound_effect_generation\", \"video_upscaling\"]\n\
         [[route]]\nprovider = \"other\"\nmodels = [\"flux-schnell\"]\n",
    );
    let catalog = crate::catalog::Catalog::load(&sources).unwrap();
    assert_eq!(catalog.route(catalog.model("flux-schnell").unwrap()).unwrap().provider, "other");
    assert_eq!(catalog.route(catalog.model("flux-1-1-pro").unwrap()).unwrap().provider, "sandbox");
}

#[test]
fn the_document_s_voice_is_a_stock_voice_and_there_are_twelve_others() {
    assert_eq!(catalog().voice("voice_abc123").map(|voice| voice.is_default), Some(true));
    assert_eq!(catalog().voices().count(), 13);
    assert_eq!(catalog().voice("fal_cloned_abc123"), None);
}

#[test]
fn every_name_in_the_catalog_is_locked() {
    let sources = Sources::embedded();
    let lock = sources.files().find(|file| file.path == "aliases.lock").unwrap();
    let locked: BTreeSet<Vec<&str>> =
        lock.text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_whitespace().collect()).collect();
    for model in catalog().models() {
        for dialect in [Dialect::Genfire, Dialect::Generor, Dialect::GirlGenerator] {
            if let Some(name) = model.name_in(dialect) {
                assert!(
                    locked.contains(&vec![dialect.as_str(), &name, &model.slug]),
                    "add to aliases.lock: {dialect} {name}"
                );
            }
        }
    }
}

#[test]
fn names_are_serialised_as_they_are_written() {
    for capability in Capability::ALL {
        assert_eq!(serde_json::to_value(capability).unwrap(), capability.as_str());
        assert_eq!(Capability::from_name(capability.as_str()), Some(capability));
    }
    for kind in ModelType::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        assert_eq!(ModelType::from_name(kind.as_str()), Some(kind));
    }
    for dialect in Dialect::ALL {
        assert_eq!(serde_json::to_value(dialect).unwrap(), dialect.as_str());
    }
    for mode in crate::catalog::Mode::ALL {
        assert_eq!(serde_json::to_value(mode).unwrap(), mode.as_str());
    }
    for medium in crate::catalog::MediaType::ALL {
        assert_eq!(serde_json::to_value(medium).unwrap(), medium.as_str());
    }
}
