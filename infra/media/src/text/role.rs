//! What kind of text is asked for, and what each field is for: both judged by their names, so that a
//! generator that nobody has heard of is understood as far as its names are.

use super::stock;

/// What kind of text is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Joke,
    Poem,
    Recipe,
    Story,
    Slogan,
    Vision,
    /// Another's text, corrected or said again.
    Echo,
    Prose,
}

/// What a field is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Title,
    /// What a letter or a change is about.
    Subject,
    /// What a thing, a firm or a place is called.
    Name,
    /// Who appears, by name.
    Person,
    Setup,
    Punchline,
    Question,
    Picture,
    Hashtags,
    Keywords,
    Ingredients,
    Steps,
    Verse,
    Slogan,
    Opening,
    Ending,
    Greeting,
    Closing,
    /// What people say, each line with its speaker.
    Talk,
    /// Parts in order, each with this word and its number.
    Numbered(&'static str),
    /// Parts of a recording, each with the time at which it starts.
    Chapters,
    Numbers,
    /// A regular expression, what it matches and what it does not.
    Pattern,
    Match,
    NoMatch,
    Query,
    /// One of these; in another language than English prose.
    Stock(&'static [&'static str]),
    /// The same, where their order means something.
    Course(&'static [&'static str]),
    /// One sentence.
    Sentence,
    /// A few sentences, whatever the form.
    Explanation,
    Body,
}

/// Kinds of fields: the last word of a name that is one of these says what it is for (`dish_name`,
/// `card_headline`). A whole name goes before its words, and plurals count too.
const KINDS: &[(&[&str], Role)] = &[
    (&["last_line"], Role::Ending),
    (&["call_to_action", "cta"], Role::Slogan),
    (&["key_point"], Role::Explanation),
    (&["non_match", "counterexample"], Role::NoMatch),
    (&["warm_up", "cool_down", "stretch"], Role::Course(stock::STRETCHES)),
    (&["out_of_scope"], Role::Stock(stock::CONS)),
    (&["expected_result"], Role::Stock(stock::HOPES)),
    (&["actual_result"], Role::Stock(stock::DEFECTS)),
    (&["title", "headline", "heading"], Role::Title),
    (&["subject"], Role::Subject),
    (&["name"], Role::Name),
    (&["character", "speaker", "god", "people", "person", "cast", "hero"], Role::Person),
    (&["place", "location"], Role::Stock(stock::PLACES)),
    (&["riddle", "setup"], Role::Setup),
    (&["punchline"], Role::Punchline),
    (&["question", "front"], Role::Question),
    (&["answer", "back"], Role::Stock(stock::ANSWERS)),
    (&["illustration", "image", "visual", "picture", "scene", "photo"], Role::Picture),
    (&["hashtag"], Role::Hashtags),
    (&["tag", "keyword", "skill", "symbol"], Role::Keywords),
    (&["ingredient", "shopping", "grocery"], Role::Ingredients),
    (&["step", "instruction", "direction", "method", "preparation"], Role::Steps),
    (&["line", "verse", "stanza", "chorus", "bridge", "bar"], Role::Verse),
    (&["slogan", "tagline", "hook", "motto", "caption"], Role::Slogan),
    (&["opening"], Role::Opening),
    (&["ending"], Role::Ending),
    (&["greeting", "salutation"], Role::Greeting),
    (&["closing", "sign_off"], Role::Closing),
    (&["dialogue"], Role::Talk),
    (&["day"], Role::Numbered("Day")),
    (&["week"], Role::Numbered("Week")),
    (&["section", "segment", "activity", "round"], Role::Numbered("Part")),
    (&["agenda"], Role::Numbered("Item")),
    (&["chapter"], Role::Chapters),
    (&["number"], Role::Numbers),
    (&["pattern"], Role::Pattern),
    (&["match"], Role::Match),
    (&["query"], Role::Query),
    (&["exercise"], Role::Stock(stock::EXERCISES)),
    (&["pro", "benefit", "highlight", "advantage"], Role::Stock(stock::PROS)),
    (&["con", "risk", "weakness", "simplification"], Role::Stock(stock::CONS)),
    (&["strength"], Role::Stock(stock::STRENGTHS)),
    (&["flaw"], Role::Stock(stock::FLAWS)),
    (&["conflict"], Role::Stock(stock::CONFLICTS)),
    (&["encounter"], Role::Stock(stock::ENCOUNTERS)),
    (&["caution", "warning"], Role::Stock(stock::CAUTIONS)),
    (&["change", "mistake", "correction"], Role::Stock(stock::CORRECTIONS)),
    (&["tip", "hint", "clue", "advice", "notes", "assumption"], Role::Stock(stock::ADVICE)),
    (&["goal", "objective", "criterion", "criteria"], Role::Stock(stock::GOALS)),
    (&["material", "packing", "essential", "gift", "reward", "equipment"], Role::Stock(stock::THINGS)),
    (&["colour", "color"], Role::Stock(stock::COLOURS)),
    (&["mood", "tone"], Role::Stock(stock::MOODS)),
    (&["season"], Role::Stock(stock::SEASONS)),
    (&["occupation", "profession"], Role::Stock(stock::OCCUPATIONS)),
    (&["appearance"], Role::Stock(stock::LOOKS)),
    (&["glass"], Role::Stock(stock::GLASSES)),
    (&["garnish"], Role::Stock(stock::GARNISHES)),
    (&["setting"], Role::Stock(stock::SETTINGS)),
    (&["toast"], Role::Stock(stock::TOASTS)),
    (&["quote", "fact", "sentence", "proverb", "fortune", "verdict", "moral"], Role::Sentence),
    (&["explanation", "meaning", "reason", "description", "consequence", "introduction"], Role::Explanation),
];

/// The form of a generator's slug.
pub(super) fn form_of(slug: &str) -> Form {
    let slug = slug.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| slug.contains(word));
    if has(&["joke", "pun", "riddle", "roast"]) {
        Form::Joke
    } else if has(&["poem", "poetry", "haiku", "lyric", "song", "limerick", "rap"]) {
        Form::Poem
    } else if has(&["recipe", "cocktail", "meal", "food"]) {
        Form::Recipe
    } else if has(&["story", "fairy", "plot", "tale", "screenplay", "character", "myth", "fable"]) {
        Form::Story
    } else if has(&["slogan", "tagline", "hook", "motto", "business-name", "headline"]) {
        Form::Slogan
    } else if has(&["vision", "describe", "caption", "image-to-text"]) {
        Form::Vision
    } else if has(&["grammar", "proofread", "rewrite"]) {
        Form::Echo
    } else {
        Form::Prose
    }
}

/// What the field of that name is for, in a text of that form.
pub(super) fn role_of(field: &str, form: Form) -> Role {
    let name = field.to_lowercase();
    let of = |word: &str| KINDS.iter().find(|(kinds, _)| kinds.iter().any(|kind| is_kind(word, kind)));
    let found = of(&name).or_else(|| name.rsplit('_').find_map(of));
    match (found.map_or(Role::Body, |(_, role)| *role), form) {
        // One half of a joke needs the other.
        (Role::Question, Form::Joke) => Role::Setup,
        (Role::Stock(answers), Form::Joke) if answers == stock::ANSWERS => Role::Punchline,
        // What is no recipe is done in other steps.
        (Role::Steps, form) if form != Form::Recipe => Role::Course(stock::STEPS),
        (role, _) => role,
    }
}

/// Whether a word is a kind's name or its plural.
fn is_kind(word: &str, kind: &str) -> bool {
    word == kind
        || ["s", "es"].iter().any(|end| word.strip_suffix(end) == Some(kind))
        || word.strip_suffix("ies").is_some_and(|stem| kind.strip_suffix('y') == Some(stem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_understood_by_its_last_word_that_is_known() {
        for (field, role) in [
            ("dish_name", Role::Name),
            ("names", Role::Name),
            ("card_headline", Role::Title),
            ("illustration_desc", Role::Picture),
            ("Call_To_Action", Role::Slogan),
            ("last_line", Role::Ending),
            ("lines", Role::Verse),
            ("shopping_list", Role::Ingredients),
            ("packing_list", Role::Stock(stock::THINGS)),
            ("activities", Role::Numbered("Part")),
            ("best_hashtag", Role::Hashtags),
            ("matches", Role::Match),
            ("non_matches", Role::NoMatch),
            ("unheard_of", Role::Body),
        ] {
            assert_eq!(role_of(field, Form::Prose), role, "{field}");
        }
    }

    #[test]
    fn the_form_decides_where_a_name_alone_does_not() {
        assert_eq!(role_of("question", Form::Joke), Role::Setup);
        assert_eq!(role_of("question", Form::Prose), Role::Question);
        assert_eq!(role_of("answer", Form::Joke), Role::Punchline);
        assert_eq!(role_of("steps", Form::Recipe), Role::Steps);
        assert_eq!(role_of("steps", Form::Prose), Role::Course(stock::STEPS));
    }

    #[test]
    fn plurals_are_the_kind_and_other_endings_are_not() {
        for (word, kind) in [("tags", "tag"), ("matches", "match"), ("activities", "activity"), ("pros", "pro")] {
            assert!(is_kind(word, kind), "{word}");
        }
        for (word, kind) in [("tagged", "tag"), ("stage", "tag"), ("glas", "glass")] {
            assert!(!is_kind(word, kind), "{word}");
        }
    }
}
