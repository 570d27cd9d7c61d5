//! Choices that few models have, and the prices of what is as long as its input.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::catalog;
use crate::Credits;
use crate::catalog::{Ask, AskField, AskReason, Capability, Choices, Dialect, Model, SyncMode};
use crate::event_book::sample_time;

fn model(slug: &str) -> &'static Model {
    catalog().model(slug).unwrap()
}

fn checked(slug: &str, ask: Ask) -> Result<Choices, (AskField, AskReason)> {
    let checked = model(slug).check(Dialect::Genfire, &ask);
    checked.map(|checked| checked.choices).map_err(|problem| (problem.field, problem.reason))
}

fn lipsync(choices: Choices) -> Ask {
    Ask { source_video: true, input_audio: true, choices, ..Ask::default() }
}

#[test]
fn lipsync_has_a_way_of_syncing_and_a_hint_that_other_models_do_not() {
    let usual = checked("lipsync-2-pro", lipsync(Choices::default())).unwrap();
    assert_eq!(usual.sync_mode.as_deref(), Some("cut_off"));
    for mode in SyncMode::ALL {
        let asked = Choices { sync_mode: Some(mode.as_str().into()), ..Choices::default() };
        assert_eq!(checked("sync-lipsync-v3", lipsync(asked)).unwrap().sync_mode.as_deref(), Some(mode.as_str()));
    }
    let asked = Choices { sync_mode: Some("stretch".into()), ..Choices::default() };
    assert_eq!(checked("lipsync-2-pro", lipsync(asked.clone())), Err((AskField::SyncMode, AskReason::NotAllowed)));
    let image = Ask { choices: asked, ..Ask::prompt(3) };
    assert_eq!(checked("nano-banana-2", image), Err((AskField::SyncMode, AskReason::NotSupported)));
    for (seconds, taken) in [(1, true), (300, true), (0, false), (301, false)] {
        let asked = Choices { length_hint: Some(seconds.into()), ..Choices::default() };
        assert_eq!(checked("lipsync-2-pro", lipsync(asked)).is_ok(), taken, "{seconds}");
    }
}

#[test]
fn what_a_music_model_does_not_have_is_ignored_or_refused_as_documented() {
    let all = Choices { instrumental: true, details: true, timestamps: true, ..Choices::default() };
    let music = |slug: &str, choices: Choices| checked(slug, Ask { choices, ..Ask::prompt(3) });
    assert_eq!(music("elevenlabs-music-v1", all.clone()), Ok(all.clone()));
    assert_eq!(music("lyria3-pro", all), Ok(Choices::default()));
    let alone = Choices { timestamps: true, ..Choices::default() };
    assert_eq!(music("elevenlabs-music-v1", alone), Ok(Choices::default()), "timestamps belong to details");
    let negative = Choices { negative_prompt: true, ..Choices::default() };
    assert_eq!(music("lyria3-pro", negative.clone()), Ok(negative.clone()));
    let refused = Err((AskField::NegativePrompt, AskReason::NotSupported));
    assert_eq!(music("elevenlabs-music-v1", negative), refused);
}

#[test]
fn lengths_of_synced_videos_follow_their_mode() {
    let lengths = |mode: SyncMode| (mode.length(5, 8), mode.length(8, 5));
    assert_eq!(lengths(SyncMode::CutOff), (5, 5));
    for mode in [SyncMode::Loop, SyncMode::Bounce, SyncMode::Remap] {
        assert_eq!(lengths(mode), (8, 5), "{mode:?}");
    }
    assert_eq!(lengths(SyncMode::Silence), (8, 8));
}

#[test]
fn every_model_of_every_capability_with_a_route_is_priced_or_known_not_to_be() {
    let book = catalog().prices().at(sample_time(0)).or_else(|| catalog().prices().iter().last()).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for model in catalog().offered_in(Dialect::Native).filter(|model| !model.unpriced) {
        assert!(catalog().route(model).is_some(), "{} has no route", model.slug);
        let dialect = if model.rules(Dialect::Genfire).is_some() { Dialect::Genfire } else { Dialect::Native };
        assert!(book.credit_cost(model, dialect).unwrap().is_positive(), "{}", model.slug);
        seen.insert(model.capability);
    }
    let all = Capability::ALL.into_iter().filter(|capability| *capability != Capability::ProductExtraction);
    assert_eq!(seen, all.collect());
}

proptest! {
    /// Whatever the length, the factor and the resolution: never free, never less for more, and what is
    /// captured is never more than what was held.
    #[test]
    fn what_is_priced_by_length_costs_more_the_longer_it_is(
        milliseconds in 1i64..7_200_000, more in 0i64..3_600_000, which in 0usize..5, large in any::<bool>(),
    ) {
        let slug = ["fal-video-upscaler", "whisper-v1", "lipsync-2-pro", "sync-lipsync-v2-pro", "sync-lipsync-v3"][which];
        let model = model(slug);
        let book = catalog().prices().iter().last().unwrap();
        let quoted = |ms: i64, large: bool| {
            let ask = Ask {
                source_video: slug != "whisper-v1",
                input_audio: slug != "fal-video-upscaler",
                media_seconds: Some(Decimal::new(ms, 3)),
                scale_factor: Some(if large { 4 } else { 2 }),
                resolution: slug.contains("lipsync").then(|| if large { "720p" } else { "480p" }.to_owned()),
                ..Ask::default()
            };
            book.quote(model, &model.check(Dialect::Genfire, &ask).unwrap()).unwrap()
        };
        let (quote, longer) = (quoted(milliseconds, large), quoted((milliseconds + more).min(7_200_000), large));
        prop_assert!(quote.amount >= Credits::whole(1));
        prop_assert!(longer.amount >= quote.amount);
        prop_assert!(quoted(milliseconds, true).amount >= quoted(milliseconds, false).amount);
        for delivered in 0..=2 {
            prop_assert!(quote.for_outputs(delivered) <= quote.amount);
        }
    }
}
