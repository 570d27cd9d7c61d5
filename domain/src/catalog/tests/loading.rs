//! What a broken catalog is told: every problem, with its file and key.

use crate::catalog::{Catalog, CatalogProblem, Sources};

/// The built-in catalog with one text changed.
fn changed(path: &str, from: &str, to: &str) -> Vec<CatalogProblem> {
    let embedded = Sources::embedded();
    let text = embedded.files().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}")).text.clone();
    assert!(text.contains(from), "{path} does not hold `{from}`");
    problems(embedded.clone().with(path, text.replacen(from, to, 1)))
}

fn problems(sources: Sources) -> Vec<CatalogProblem> {
    Catalog::load(&sources).err().unwrap_or_default()
}

/// One of the problems is about this key of this file and says this.
#[track_caller]
fn says(found: &[CatalogProblem], file: &str, key: &str, words: &str) {
    let said = found.iter().any(|p| p.file == file && p.key == key && p.problem.contains(words));
    let all: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(said, "not said: {file}: {key}: {words}\nsaid:\n{}", all.join("\n"));
}

const IMAGE: &str = "models/image.toml";
const VIDEO: &str = "models/video.toml";
const BOOK: &str = "price-books/2026-01.toml";

#[test]
fn an_operator_s_file_goes_over_the_built_in_one() {
    let voices = "[[voice]]\nid = \"voice_mine\"\nname = \"Mine\"\ndescription = \"Ours.\"\nprovider = \"us\"\nlanguage = \"en\"\nis_default = true\ncreated_at = \"2026-01-01T00:00:00Z\"\n";
    let catalog = Catalog::load(&Sources::embedded().with("voices.toml", voices)).unwrap();
    assert_eq!(catalog.voices().count(), 1);
}

#[test]
fn a_text_that_cannot_be_parsed_says_where() {
    says(&changed(IMAGE, "slug = \"genfire-v1\"", "slug = "), IMAGE, "", "line 5");
    says(&changed(IMAGE, "slug = \"genfire-v1\"", "slag = \"genfire-v1\""), IMAGE, "", "slag");
    says(&changed(BOOK, "credits = \"4\"", "credits = 4"), BOOK, "", "string");
    says(&changed(BOOK, "credits = \"4\"", "credits = \"0.0000001\""), BOOK, "", "at most 6 decimal places");
    says(&problems(Sources::embedded().with("modles/x.toml", "")), "modles/x.toml", "", "not part of a catalog");
}

#[test]
fn all_problems_are_reported_at_once() {
    let sources = Sources::embedded().with("models/bad.toml", "nonsense").with("voices.toml", "nonsense");
    let files: Vec<String> = problems(sources).into_iter().map(|problem| problem.file).collect();
    assert!(files.contains(&"models/bad.toml".to_owned()) && files.contains(&"voices.toml".to_owned()), "{files:?}");
}

#[test]
fn names_are_unique_and_never_given_away() {
    let twice = changed(IMAGE, "slug = \"nano-banana-pro\"", "slug = \"nano-banana-2\"");
    says(&twice, IMAGE, "nano-banana-2", "the slug is taken");
    says(&changed(IMAGE, "slug = \"genfire-v1\"", "slug = \"GenFire\""), IMAGE, "GenFire", "lower-case");
    says(
        &changed(IMAGE, "id = 10102", "id = 10101"),
        IMAGE,
        "nano-banana-2",
        "is the generor name of genfire-v1 already",
    );
    says(&changed(IMAGE, "id = 10102", "id = 10190"), "aliases.lock", "10102", "has to stay");
    says(&changed(IMAGE, "id = 10102", "id = 20102"), IMAGE, "nano-banana-2", "10001 to 19999");
    let swapped = changed("models/text.toml", "slug = \"gpt-5-nano\"", "slug = \"gpt-6-nano\"");
    says(&swapped, "aliases.lock", "3", "belongs to gpt-5-nano for good");
    says(
        &changed("aliases.lock", "generor       3  ", "generor       3 4  "),
        "aliases.lock",
        "line 65",
        "dialect name slug",
    );
    says(&changed("aliases.lock", "generor       3  ", "generator     3  "), "aliases.lock", "3", "no dialect");
}

#[test]
fn printed_limits_have_to_be_there() {
    let missing = changed(IMAGE, ", max_count = 4 }", " }");
    says(&missing, IMAGE, "genfire-v1", "genfire.limits.max_count is missing");
    let missing = changed(VIDEO, "duration_seconds = [4, 5, 8], ", "");
    says(&missing, VIDEO, "veo-3-1", "genfire.limits.duration_seconds is missing");
    let missing = changed("models/sound.toml", "limits = { max_characters = 40000 }", "limits = {}");
    says(&missing, "models/sound.toml", "elevenlabs-turbo-v2-5", "genfire.limits.max_characters is missing");
    says(
        &changed("models/tools.toml", "limits = { input = \"image_url\" }", "limits = {}"),
        "models/tools.toml",
        "bria-background-remove",
        "genfire.limits.input",
    );
    says(
        &changed(IMAGE, "capability = \"image_generation\"", "capability = \"vision\""),
        IMAGE,
        "genfire-v1",
        "GenFire has no models for vision",
    );
}

#[test]
fn limits_that_contradict_themselves_are_found() {
    let rules = "[model.genfire.rules]\nimages_max = 14\nresolutions";
    for (from, to, words) in [
        (rules, "[model.genfire.rules]\nimages_max = 0\nresolutions", "images_max is 0"),
        (rules, "[model.genfire.rules]\nimages_max = 14\nimages_used = 0\nresolutions", "images_used is 0"),
        (rules, "[model.genfire.rules]\nimages_max = 14\nreferences_max = 2\nresolutions", "go together"),
        (rules, "[model.genfire.rules]\nimages_max = 14\nmodes = []\nresolutions", "has no mode"),
        (
            rules,
            "[model.genfire.rules]\nimages_max = 14\nadd_modes = [\"text_to_output\"]\nresolutions",
            "names a mode twice",
        ),
        (rules, "[model.genfire.rules]\nimages_max = 14\nadd_modes = [\"vision\"]\nresolutions", "only vision models"),
        (rules, "[model.genfire.rules]\nimages_max = 14\ncount_max = 0\nresolutions", "count_max is 0"),
        (rules, "[model.genfire.rules]\nimages_max = 14\nprompt_chars_max = 0\nresolutions", "prompt_chars_max is 0"),
        ("resolution_default = \"1K\"", "resolution_default = \"8K\"", "default resolution is not among"),
        ("\"3:4\", \"21:9\"", "\"3:4\", \"wide\"", "neither `auto` nor like 16:9"),
        ("\"3:4\", \"21:9\"", "\"3:4\", \"3:4\"", "aspect_ratio twice"),
    ] {
        says(&changed(IMAGE, from, to), IMAGE, "nano-banana-2", words);
    }
    let disordered = changed(VIDEO, "duration_seconds = [4, 5, 8]", "duration_seconds = [4, 8, 5]");
    says(&disordered, VIDEO, "veo-3-1", "not rising");
    let none = changed("models/tools.toml", "scale_factors = [2, 4]", "scale_factors = [1]");
    says(&none, "models/tools.toml", "fal-video-upscaler", "less than 2");
    let blank = changed("models/text.toml", "provider = \"openai\"", "provider = \" \"");
    says(&blank, "models/text.toml", "gpt-5-nano", "generor.provider is blank");
}

#[test]
fn there_is_one_default_where_one_is_taken() {
    let two = changed(IMAGE, "status = \"available\"\nis_default = false", "status = \"available\"\nis_default = true");
    says(&two, IMAGE, "image_generation", "exactly one GenFire default, has 2");
    let none = changed("models/image-more.toml", "is_default = true", "is_default = false");
    says(&none, "models/image-more.toml", "girlgenerator", "exactly one default, has 0");
    says(&changed("voices.toml", "is_default = true", ""), "voices.toml", "", "exactly one default voice, has 0");
}

#[test]
fn a_model_nobody_can_ask_for_is_found() {
    let unlisted = "[[model]]\nslug = \"lost\"\ncapability = \"vision\"\nname = \"Lost\"\ndescription = \"Lost.\"\nunpriced = true\n";
    says(
        &problems(Sources::embedded().with("models/lost.toml", unlisted)),
        "models/lost.toml",
        "lost",
        "offered nowhere",
    );
    let nowhere = format!("{unlisted}[model.generor]\nid = 1\nprovider = \"x\"\nmodel_name = \"x\"\n")
        .replace("vision", "transcription");
    says(
        &problems(Sources::embedded().with("models/lost.toml", nowhere)),
        "models/lost.toml",
        "lost",
        "no list for transcription",
    );
}

#[test]
fn every_model_has_a_price_or_is_marked_unpriced() {
    let unpriced = changed(BOOK, "model = \"flux-schnell\"", "model = \"flux-slow\"");
    says(&unpriced, BOOK, "flux-slow", "no such model");
    says(&unpriced, BOOK, "flux-schnell", "mark the model `unpriced`");
    let both = changed("models/image-more.toml", "name = \"Flux Schnell\"", "name = \"Flux Schnell\"\nunpriced = true");
    says(&both, BOOK, "flux-schnell", "has a price, and is marked");
}

#[test]
fn nothing_is_free_and_every_choice_has_its_factor() {
    for (from, to, key, words) in [
        ("credits = \"80\"", "credits = \"0\"", "flux-1-1-pro", "more than 0"),
        ("credits = \"80\"", "credits = \"-1\"", "flux-1-1-pro", "more than 0"),
        (
            "{ key = \"product_extraction\", credits = \"1\" }",
            "{ key = \"product_extraction\", credits = \"0\" }",
            "product_extraction",
            "more than 0",
        ),
        ("medium = \"6\", ", "", "gpt-image-2", "no factor for quality medium"),
        ("auto = \"22\"", "auto = \"6\"", "image_quality", "dearest"),
        ("480p = \"0.5\"", "480p = \"0\"", "video_resolution", "the factor of 480p"),
        ("multipliers = [\"image_quality\"]", "multipliers = [\"magic\"]", "gpt-image-2", "no multiplier magic"),
        (
            "multipliers = [\"edit_resolution\"]",
            "multipliers = [\"edit_resolution\", \"video_resolution\"]",
            "nano-banana-2",
            "two multipliers by resolution",
        ),
        ("unit = \"per_image\"", "unit = \"per_character\"", "genfire-v1", "per_character does not fit"),
        ("unit = \"per_text\"", "unit = \"per_thousand_tokens\"", "gpt-5-nano", "output_tokens_max"),
        ("operation_key = \"flux_schnell\"", "operation_key = \"flux_1_1_pro\"", "flux-schnell", "another price's"),
        ("usd_per_credit = \"0.01\"", "usd_per_credit = \"0\"", "usd_per_credit", "more than 0"),
        ("model = \"flux-schnell\"", "model = \"flux-1-1-pro\"", "flux-1-1-pro", "two prices"),
        (
            "model = \"nano-banana\"\nunit = \"per_image\"\ncredits = \"2\"",
            "model = \"nano-banana\"\nunit = \"per_image\"\ncredits = \"4\"",
            "nano-banana",
            "at most 3",
        ),
        (
            "model = \"anime-portrait\"\nunit = \"per_image\"\ncredits = \"1\"",
            "model = \"anime-portrait\"\nunit = \"per_image\"\ncredits = \"2\"",
            "anime-portrait",
            "at most 1",
        ),
    ] {
        says(&changed(BOOK, from, to), BOOK, key, words);
    }
}

#[test]
fn two_books_differ_in_version_and_date() {
    let embedded = Sources::embedded();
    let text = embedded.files().find(|file| file.path == BOOK).unwrap().text.clone();
    let found = problems(embedded.with("price-books/copy.toml", text));
    says(&found, "price-books/copy.toml", "version", "is the version of price-books/2026-01.toml too");
    says(&found, "price-books/copy.toml", "effective_from", "the same as in");
}

#[test]
fn generators_fit_together() {
    let joke = "generators/joke.toml";
    for (path, from, to, words) in [
        (joke, "slug = \"joke\"", "slug = \"gag\"", "named after the slug"),
        (joke, "default_model = \"gpt-5-nano\"", "default_model = \"gpt-9\"", "there is no model gpt-9"),
        (joke, "default_model = \"gpt-5-nano\"", "default_model = \"flux-schnell\"", "another capability"),
        ("generators/speech.toml", "status = \"active\"", "status = \"development\"", ""),
        (
            "generators/vector.toml",
            "default_model = \"recraft-v4-vector\"",
            "default_model = \"recraft-v5-vector\"",
            "there is no model recraft-v5-vector",
        ),
        (joke, "similar = [\"poem\"", "similar = [\"joke\"", "joke is not another generator"),
        (joke, "media_type = \"text\"", "media_type = \"img\"", "another medium"),
        (joke, "{prompt}", "", "{prompt} is missing from the template"),
        (joke, "{language}", "English", "{language} is missing from the template"),
        (joke, "{prompt}", "{prompt} {mood}", "a brace that belongs to no known placeholder"),
        ("generators/image.toml", "{prompt}", "{prompt} {preference}", "{preference} has no business in"),
        (joke, "value = \"pun\"", "value = \"any\"", "the value any is there twice"),
        (joke, "default = \"any\"", "default = \"some\"", "default some is not among"),
        (joke, "a single sentence", "{prompt}", "a placeholder, which is not filled"),
        (joke, "name = \"illustration_desc\"", "name = \"text\"", "`text` is there twice"),
        (joke, "name = \"illustration_desc\"", "name = \"creation_id\"", "every creation uses"),
        (joke, "name = \"illustration_desc\"", "name = \"Illustration\"", "lower-case letters"),
        ("generators/vision.toml", "image_input = \"required\"", "image_input = \"none\"", "vision needs image_input"),
        (joke, "title = \"Joke\"", "title = \"\"", "title is blank"),
    ] {
        let found = changed(path, from, to);
        if words.is_empty() {
            assert_eq!(found, [], "{path}: {to}");
            continue;
        }
        let slug = if to.starts_with("slug") {
            "gag"
        } else {
            path.trim_start_matches("generators/").trim_end_matches(".toml")
        };
        says(&found, path, slug, words);
    }
}

/// The built-in poem generator, copied under another slug and dressed up by `change`.
fn copy_of_poem(change: impl Fn(&str) -> String) -> Vec<CatalogProblem> {
    let embedded = Sources::embedded();
    let text = embedded.files().find(|file| file.path == "generators/poem.toml").unwrap().text.clone();
    let copy = change(&text.replacen("slug = \"poem\"", "slug = \"verse\"", 1));
    assert_ne!(copy, *text);
    problems(embedded.clone().with("generators/verse.toml", copy))
}

#[test]
fn no_two_generators_do_the_same_however_they_are_dressed() {
    for (from, to) in [
        ("", ""),
        ("title = \"Poem\"", "title = \"Verse\""),
        ("description = \"Writes a poem in the form that you choose.\"", "description = \"Rhymes.\""),
        ("icon = \"🪶\"", "icon = \"📜\""),
        ("similar = [\"story\", \"joke\"]", "similar = [\"recipe\"]"),
        ("status = \"active\"", "status = \"development\""),
        ("default_model = \"gpt-5-nano\"", "default_model = \"gpt-5\""),
        ("label = \"Form\"", "label = \"Kind of poem\""),
        ("default = \"open\"", "default = \"dark\""),
        ("Write {preference} in {language}.", "WRITE  {preference}\nin {language}."),
        ("text = \"a limerick\"", "text = \" A limerick\""),
        ("description = \"The poem's title.\"", "description = \"the poem's  title.\""),
    ] {
        let found = copy_of_poem(|text| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        assert_eq!(found.len(), 1, "{from} → {to}: {found:?}");
        says(&found, "generators/verse.toml", "verse", "does just what poem does");
    }
}

#[test]
fn another_template_choice_or_field_is_another_generator() {
    for (from, to) in [
        ("It is about:", "It rhymes, and is about:"),
        ("text = \"a limerick\"", "text = \"a limerick about a town\""),
        ("value = \"acrostic\"", "value = \"abecedarian\""),
        ("description = \"The poem's title.\"", "description = \"The title, of one word.\""),
        ("name = \"title\"", "name = \"headline\""),
    ] {
        assert_eq!(copy_of_poem(|text| text.replacen(from, to, 1)), [], "{to}");
    }
}

#[test]
fn routes_and_voices_are_checked() {
    let routes = |text: &'static str| problems(Sources::embedded().with("routes.toml", text));
    says(&routes("[[route]]\nprovider = \"a\"\nmodels = [\"nobody\"]"), "routes.toml", "a", "there is no model nobody");
    says(&routes("[[route]]\nprovider = \"a\""), "routes.toml", "a", "neither capabilities nor models");
    says(&routes("[[route]]\nprovider = \"\"\ncapabilities = [\"vision\"]"), "routes.toml", "route", "blank");
    let twice = "[[route]]\nprovider = \"a\"\ncapabilities = [\"vision\"]\n[[route]]\nprovider = \"b\"\ncapabilities = [\"vision\"]";
    says(&routes(twice), "routes.toml", "b", "vision is routed to a already");
    says(&changed("voices.toml", "voice_amber", "voice_abc123"), "voices.toml", "voice_abc123", "there twice");
    says(&changed("voices.toml", "voice_amber", "fal_cloned_1"), "voices.toml", "fal_cloned_1", "cloned");
    says(&changed("voices.toml", "name = \"Amber\"", "name = \"\""), "voices.toml", "voice_amber", "blank");
}

#[test]
fn a_problem_names_file_and_key() {
    let problem =
        CatalogProblem { file: BOOK.to_owned(), key: "veo-3-1".to_owned(), problem: "has two prices".to_owned() };
    assert_eq!(problem.to_string(), "catalog/price-books/2026-01.toml: veo-3-1: has two prices");
}
