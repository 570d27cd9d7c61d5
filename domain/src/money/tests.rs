//! Quotes: the printed prices, each unit, each multiplier, and the laws that every quote obeys.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{PriceBook, PriceBooks, PriceProblem, Quote, Rounding, Unit};
use crate::Credits;
use crate::catalog::tests::{catalog, generor, genfire, model, prompt};
use crate::catalog::{Ask, Checked, Dialect};

fn book() -> &'static PriceBook {
    catalog().prices().version("2026-01").unwrap()
}

fn quote(checked: &Checked) -> Quote {
    book().quote(model(&checked.model), checked).unwrap()
}

fn credits(text: &str) -> Credits {
    text.parse().unwrap()
}

fn cost(slug: &str, ask: &Ask) -> Credits {
    quote(&genfire(slug, ask).unwrap()).amount
}

#[test]
fn the_printed_prices() {
    for (slug, unit, price, key) in [
        ("nano-banana-2", Unit::PerImage, "3", "nano_banana_2"),
        ("veo-3-1", Unit::PerSecond, "16", "veo31_fast"),
        ("elevenlabs-turbo-v2-5", Unit::PerCharacter, "0.025", "elevenLabsTts"),
    ] {
        let listed = book().price(slug).unwrap();
        assert_eq!((listed.unit, listed.credits, listed.operation_key.as_str()), (unit, credits(price), key));
    }
    assert_eq!(
        book().price("veo-3-1").unwrap().notes.as_deref(),
        Some("Audio adds a multiplier when generate_audio=true.")
    );
}

#[test]
fn the_printed_costs_of_one_output() {
    for (slug, cost) in [("flux-1-1-pro", 80), ("flux-schnell", 6), ("gpt-5-nano", 1), ("nano-banana-2", 3)] {
        assert_eq!(book().credit_cost(model(slug), Dialect::Generor).unwrap(), Credits::whole(cost), "{slug}");
    }
    assert_eq!(book().credit_cost(model("anime-portrait"), Dialect::GirlGenerator).unwrap(), Credits::whole(1));
    assert_eq!(book().credit_cost(model("bria-background-remove"), Dialect::Genfire).unwrap(), Credits::whole(1));
}

#[test]
fn eight_seconds_of_veo_cost_128_before_sound_and_half_as_much_again_with_it() {
    let ask = |on| Ask { duration_seconds: Some(8.into()), generate_audio: Some(on), ..prompt() };
    assert_eq!(cost("veo-3-1", &ask(false)), Credits::whole(128));
    assert_eq!(cost("veo-3-1", &ask(true)), Credits::whole(192));
    let line = &quote(&genfire("veo-3-1", &ask(true)).unwrap()).lines[0];
    assert_eq!(
        (line.quantity, line.unit_price, line.multiplier.to_string()),
        (8.into(), Credits::whole(16), "1.5".into())
    );
}

#[test]
fn images_are_paid_one_by_one_and_edits_by_resolution() {
    assert_eq!(cost("nano-banana-2", &Ask { count: Some(4), ..prompt() }), Credits::whole(12));
    let edit = |resolution: &str| Ask { images: 1, resolution: Some(resolution.to_owned()), ..prompt() };
    assert_eq!(cost("nano-banana-2", &edit("1K")), Credits::whole(3));
    assert_eq!(cost("nano-banana-2", &edit("2K")), Credits::whole(5), "4.5 is rounded up");
    assert_eq!(cost("nano-banana-2", &edit("4K")), Credits::whole(9));
}

#[test]
fn quality_multiplies_and_auto_is_held_at_high_and_charged_at_the_actual() {
    let at = |quality: &str| Ask { quality: Some(quality.to_owned()), count: Some(2), ..prompt() };
    for (quality, amount) in [("low", 2), ("medium", 12), ("high", 44), ("auto", 44)] {
        assert_eq!(cost("gpt-image-2", &at(quality)), Credits::whole(amount), "{quality}");
    }
    let auto = quote(&genfire("gpt-image-2", &at("auto")).unwrap());
    for (delivered, actual, amount) in
        [(2, "low", 2), (2, "medium", 12), (1, "medium", 6), (2, "high", 44), (2, "unheard_of", 44)]
    {
        assert_eq!(auto.for_outputs_at(delivered, actual), Credits::whole(amount), "{delivered} {actual}");
    }
    let fixed = quote(&genfire("gpt-image-2", &at("high")).unwrap());
    assert_eq!(fixed.for_outputs_at(2, "low"), Credits::whole(44), "a chosen quality is not the provider's to change");
}

#[test]
fn video_resolutions_multiply() {
    let at = |resolution: &str| Ask { resolution: Some(resolution.to_owned()), ..prompt() };
    assert_eq!(cost("seedance-2-0", &at("480p")), Credits::whole(25));
    assert_eq!(cost("seedance-2-0", &at("720p")), Credits::whole(50));
    assert_eq!(cost("seedance-2-0", &at("1080p")), Credits::whole(100));
}

#[test]
fn characters_are_rounded_up_over_the_whole_text() {
    let speak = |n| Ask { characters: Some(n), voice: Some("voice_abc123".to_owned()), ..Ask::default() };
    for (characters, amount) in [(1, 1), (40, 1), (41, 2), (40_000, 1_000)] {
        assert_eq!(cost("elevenlabs-turbo-v2-5", &speak(characters)), Credits::whole(amount), "{characters}");
    }
    let one = quote(&genfire("elevenlabs-turbo-v2-5", &speak(1)).unwrap());
    assert_eq!((one.exact, one.per_output), (credits("0.025"), credits("0.025")));
}

#[test]
fn what_is_paid_by_the_input_s_length_needs_that_length() {
    let upscale =
        |media_seconds, factor| Ask { source_video: true, media_seconds, scale_factor: Some(factor), ..Ask::default() };
    assert_eq!(cost("fal-video-upscaler", &upscale(Some(10.into()), 2)), Credits::whole(40));
    assert_eq!(cost("fal-video-upscaler", &upscale(Some(10.into()), 4)), Credits::whole(80));
    let unknown = genfire("fal-video-upscaler", &upscale(None, 2)).unwrap();
    let problem = book().quote(model("fal-video-upscaler"), &unknown).unwrap_err();
    assert_eq!(
        (problem.code(), problem),
        ("length_unknown", PriceProblem::LengthUnknown { model: "fal-video-upscaler".to_owned() })
    );
    let heard = Ask { input_audio: true, media_seconds: Some(Decimal::new(615, 1)), ..Ask::default() };
    assert_eq!(quote(&genfire("whisper-v1", &heard).unwrap()).exact, credits("3.075"));
}

#[test]
fn a_flat_fee_is_flat_and_each_output_pays_it() {
    assert_eq!(cost("lyria3-pro", &Ask { duration_seconds: Some(170.into()), ..prompt() }), Credits::whole(8));
    assert_eq!(quote(&generor("lyria3-pro", &Ask { count: Some(3), ..prompt() }).unwrap()).amount, Credits::whole(24));
    assert_eq!(quote(&generor("gpt-5-nano", &Ask { count: Some(10), ..prompt() }).unwrap()).amount, Credits::whole(10));
}

#[test]
fn tokens_are_reckoned_from_the_prompt_and_the_longest_answer() {
    let mut book = book().clone();
    let price = book.prices.iter_mut().find(|price| price.model == "gpt-5-nano").unwrap();
    (price.unit, price.output_tokens_max, price.credits) = (Unit::PerThousandTokens, Some(1_000), credits("0.5"));
    let quote = book.quote(model("gpt-5-nano"), &generor("gpt-5-nano", &Ask::prompt(401)).unwrap()).unwrap();
    assert_eq!(
        (quote.lines[0].quantity, quote.exact, quote.amount),
        (Decimal::new(1101, 3), credits("0.5505"), Credits::whole(1))
    );
}

#[test]
fn a_model_without_a_price_is_refused_and_never_free() {
    let mut book = book().clone();
    book.prices.retain(|price| price.model != "nano-banana-2");
    let checked = genfire("nano-banana-2", &prompt()).unwrap();
    let problem = book.quote(model("nano-banana-2"), &checked).unwrap_err();
    assert_eq!(problem.code(), "model_unpriced");
    assert_eq!(problem.to_string(), "the model nano-banana-2 has no price in the price book 2026-01");
    assert_eq!(book.credit_cost(model("nano-banana-2"), Dialect::Genfire).unwrap_err().code(), "model_unpriced");
    assert_eq!(book.credit_cost(model("flux-schnell"), Dialect::Genfire).unwrap_err().code(), "model_unpriced");
}

#[test]
fn a_choice_without_a_factor_is_refused_and_never_one() {
    let mut book = book().clone();
    book.multipliers["video_resolution"].values.shift_remove("1080p");
    let checked = genfire("seedance-2-0", &Ask { resolution: Some("1080p".to_owned()), ..prompt() }).unwrap();
    let problem = book.quote(model("seedance-2-0"), &checked).unwrap_err();
    assert_eq!(problem.code(), "model_unpriced");
    assert_eq!(problem.to_string(), "the model seedance-2-0 has no price for resolution 1080p");
}

#[test]
fn a_price_beyond_the_ledger_is_refused() {
    let mut book = book().clone();
    book.prices.iter_mut().find(|price| price.model == "veo-3-1").unwrap().credits = Credits::MAX;
    let checked = genfire("veo-3-1", &prompt()).unwrap();
    assert_eq!(book.quote(model("veo-3-1"), &checked), Err(PriceProblem::OutOfRange));
}

#[test]
fn operations_without_a_model_have_their_price() {
    let quote = book().quote_operation("product_extraction").unwrap();
    assert_eq!((quote.amount, quote.outputs, quote.for_outputs(0)), (Credits::whole(1), 1, Credits::ZERO));
    for workflow in ["storyboard", "hook_pack", "ugc_ad", "creative_pack", "product_ad_variants"] {
        assert!(book().quote_operation(&format!("workflow.{workflow}")).unwrap().amount.is_positive());
    }
    assert_eq!(book().quote_operation("nonsense").unwrap_err().code(), "model_unpriced");
}

#[test]
fn the_book_in_force_is_the_last_that_has_begun() {
    let (old, mut new) = (book().clone(), book().clone());
    new.version = "2026-07".to_owned();
    new.effective_from = "2026-07-01T00:00:00Z".parse().unwrap();
    let books = PriceBooks::new(vec![new.clone(), old.clone()]);
    let at = |text: &str| books.at(text.parse().unwrap()).map(|book| book.version.as_str());
    assert_eq!(at("2025-12-31T23:59:59Z"), None);
    assert_eq!(at("2026-01-01T00:00:00Z"), Some("2026-01"));
    assert_eq!(at("2026-06-30T23:59:59.999999Z"), Some("2026-01"));
    assert_eq!(at("2026-07-01T00:00:00Z"), Some("2026-07"));
    assert_eq!(books.version("2026-01"), Some(&old), "a run's pinned book stays readable");
    assert_eq!(books.iter().count(), 2);
}

#[test]
fn a_quote_survives_being_stored_and_its_form_is_frozen() {
    let quote = quote(&genfire("veo-3-1", &prompt()).unwrap());
    let stored = serde_json::to_string(&quote).unwrap();
    assert_eq!(
        stored,
        r#"{"amount":"120","exact":"120","per_output":"120","outputs":1,"lines":[{"what":"veo31_fast","unit":"per_second","quantity":"5","unit_price":"16","multiplier":"1.5","multipliers":[{"by":"generate_audio","value":"true","times":"1.5"}],"amount":"120"}],"price_book":"2026-01","rounding":"whole_credits"}"#
    );
    assert_eq!(serde_json::from_str::<Quote>(&stored).unwrap(), quote);
}

#[test]
fn a_damaged_quote_still_never_charges_more_than_its_hold() {
    let mut quote = quote(&genfire("nano-banana-2", &Ask { count: Some(4), ..prompt() }).unwrap());
    quote.per_output = Credits::MAX;
    assert_eq!(quote.for_outputs(3), quote.amount);
}

/// A book with a price of so many millionths, and an ask for so many outputs.
fn arbitrary_quote(unit_price: i64, count: u32, rounding: Rounding) -> Quote {
    let mut book = book().clone();
    book.rounding = rounding;
    let price = book.prices.iter_mut().find(|price| price.model == "flux-schnell").unwrap();
    price.credits = Credits::new(Decimal::new(unit_price, 6)).unwrap();
    let mut checked = generor("flux-schnell", &prompt()).unwrap();
    checked.count = count;
    book.quote(model("flux-schnell"), &checked).unwrap()
}

fn roundings() -> impl Strategy<Value = Rounding> {
    prop_oneof![Just(Rounding::WholeCredits), Just(Rounding::Exact)]
}

proptest! {
    #[test]
    fn a_part_never_costs_more_than_the_whole_and_more_never_costs_less(
        price in 1_i64..200_000_000, count in 1_u32..=10_000, a in 0_u32..=10_001, b in 0_u32..=10_001, rounding in roundings(),
    ) {
        let quote = arbitrary_quote(price, count, rounding);
        let (fewer, more) = (a.min(b), a.max(b));
        prop_assert_eq!(quote.for_outputs(0), Credits::ZERO);
        prop_assert_eq!(quote.for_outputs(count), quote.amount);
        prop_assert!(quote.for_outputs(fewer) <= quote.for_outputs(more));
        prop_assert!(quote.for_outputs(more) <= quote.amount);
        prop_assert!(quote.amount >= quote.exact);
        prop_assert!(quote.amount - quote.exact < Credits::whole(1));
        prop_assert_eq!(quote.lines.iter().map(|line| line.amount).sum::<Credits>(), quote.exact);
        if rounding == Rounding::WholeCredits {
            prop_assert!(quote.for_outputs(fewer).value().is_integer());
        }
    }

    #[test]
    fn more_of_anything_never_costs_less(seconds in 1_u32..=300, more in 0_u32..=100, count in 1_i64..=9) {
        let ask = |seconds: u32, count| Ask { duration_seconds: Some(seconds.min(300).into()), count: Some(count), ..prompt() };
        let quote = |ask: &Ask| quote(&generor("elevenlabs-music-v1", ask).unwrap()).amount;
        prop_assert!(quote(&ask(seconds, count)) <= quote(&ask(seconds + more, count)));
        prop_assert!(quote(&ask(seconds, count)) < quote(&ask(seconds, count + 1)));
    }

    #[test]
    fn whatever_is_asked_is_either_refused_or_priced(
        which in 0_usize..1_000, dialect in 0_usize..4, chars in 0_u32..30_000, count in -2_i64..12, seconds in 0_u32..400,
        images in 0_u32..16, references in 0_u32..11, flags in 0_u32..64, audio in proptest::option::of(any::<bool>()),
        resolution in proptest::option::of("480p|720p|1080p|1K|2K|4K|8K"), quality in proptest::option::of("low|medium|high|auto"),
    ) {
        let models: Vec<_> = catalog().models().collect();
        let model = models[which % models.len()];
        let on = |bit: u32| flags & (1 << bit) != 0;
        let ask = Ask {
            prompt_chars: Some(chars), count: Some(count), duration_seconds: (seconds > 0).then(|| seconds.into()),
            images, references, source_video: on(0), first_frame: on(1), last_frame: on(2), reference_audio: on(3),
            input_audio: on(4), generate_audio: audio, resolution, quality, media_seconds: Some(90.into()),
            voice: on(5).then(|| "voice_abc123".to_owned()), ..Ask::default()
        };
        if let Ok(checked) = model.check(Dialect::ALL[dialect], &ask) {
            let quote = book().quote(model, &checked).unwrap();
            prop_assert!(quote.amount.is_positive());
            prop_assert_eq!(quote.outputs, checked.count);
        }
    }
}
