//! Puts sentences together for a form and a field.

use super::TextSpec;
use super::phrases::{self, Phrases};
use super::topic::{Topic, capital};
use crate::seed::{Rng, Root};

/// What kind of text is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Joke,
    Poem,
    Recipe,
    Story,
    Slogan,
    Vision,
    Prose,
}

/// What a field is for, judged by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Title,
    Setup,
    Punchline,
    Picture,
    Tags,
    Ingredients,
    Steps,
    Verse,
    Slogan,
    Body,
}

/// Writes everything of one request, so that its fields fit together.
pub(super) struct Writer<'a> {
    form: Form,
    phrases: &'a Phrases,
    english: bool,
    topic: Topic,
    /// The one joke of this request.
    joke: usize,
    /// The one title of this request.
    title: usize,
}

const PANTRY: [&str; 16] = [
    "200 g of flour",
    "50 g of butter",
    "two spoonfuls of olive oil",
    "one lemon",
    "three sprigs of thyme",
    "a pinch of sea salt",
    "black pepper",
    "a spoonful of honey",
    "100 ml of cream",
    "four ripe tomatoes",
    "two cloves of garlic",
    "a handful of parsley",
    "half a litre of vegetable stock",
    "two spoonfuls of brown sugar",
    "a handful of walnuts",
    "a cup of yoghurt",
];
const STEPS: [&str; 10] = [
    "Lay out everything for the {b} and take your time.",
    "Warm a wide pan and let the first ingredients soften for five minutes.",
    "Stir in the {w} and keep the heat low.",
    "Season little by little and taste as you go.",
    "Leave it to rest for ten minutes; good {b} gets better by waiting.",
    "Fold in what is left, gently, from the edge to the middle.",
    "Bake at 180 °C until the top turns golden.",
    "Let the {b} cool for a moment before you cut it.",
    "Scatter fresh herbs over it.",
    "Serve at once, with bread and good company.",
];
const SCENES: [&str; 6] = [
    "a minimalist illustration of {t} on a soft gradient background",
    "{t} in warm evening light, painted in broad, calm strokes",
    "a close view of {t} with shallow focus and muted colours",
    "{t} as a paper-cut scene in three layers",
    "a quiet still life around {t}, lit from the left",
    "{t} seen from above, in flat poster colours",
];
const SEEN: [&str; 8] = [
    "The picture is built in calm layers, with a clear foreground and a soft distance.",
    "Its colours stay within one family, from deep shade to a pale light near the middle.",
    "The light comes from one side and leaves the opposite edge in gentle shadow.",
    "Nothing in it is sharp or hurried; the eye wanders and comes back.",
    "The subject sits a little off centre, which gives the scene room to breathe.",
    "There is no text to be read and no person who looks at the viewer.",
    "Small repeated shapes give it a rhythm.",
    "It would work well as a background or a cover.",
];

impl<'a> Writer<'a> {
    /// A writer for a request.
    pub(super) fn new(spec: TextSpec<'_>, root: &Root) -> Self {
        let phrases = phrases::of(spec.language);
        let mut rng = root.stream("text/choices");
        let english = std::ptr::eq(phrases, phrases::of("en"));
        let form = match form_of(spec.form) {
            // The kitchen speaks English only.
            Form::Recipe if !english => Form::Prose,
            form => form,
        };
        Self {
            form,
            phrases,
            english,
            topic: Topic::find(spec.prompt, phrases.nothing, english),
            joke: rng.below(phrases.jokes.len()),
            title: rng.below(phrases.titles.len()),
        }
    }

    /// A line or a few sentences for a field.
    pub(super) fn short(&self, field: &str, rng: &mut Rng) -> String {
        match role_of(field, self.form) {
            Role::Title => self.fill(self.phrases.titles[self.title], rng),
            Role::Setup => self.fill(self.phrases.jokes[self.joke].0, rng),
            Role::Punchline => self.fill(self.phrases.jokes[self.joke].1, rng),
            Role::Picture => self.fill(rng.pick(&SCENES), rng),
            Role::Tags => self.tags(5, rng).join(" "),
            Role::Slogan => self.fill(rng.pick(self.phrases.slogans), rng),
            Role::Ingredients => self.ingredients(5, rng).join(", "),
            Role::Steps => self.fill(rng.pick(&STEPS), rng),
            Role::Verse => self.poem(4, rng),
            Role::Body => match self.form {
                Form::Joke => self.whole_joke(rng),
                Form::Slogan => self.fill(rng.pick(self.phrases.slogans), rng),
                Form::Poem => self.poem(4, rng),
                Form::Vision => self.seen(3, rng),
                Form::Recipe | Form::Story | Form::Prose => self.prose(2, rng).join(" "),
            },
        }
    }

    /// Several paragraphs for a field, or the whole of a form.
    pub(super) fn long(&self, field: &str, rng: &mut Rng) -> String {
        match role_of(field, self.form) {
            Role::Steps => {
                let steps = self.steps(6, rng);
                let lines: Vec<String> =
                    steps.iter().enumerate().map(|(i, step)| format!("{}. {step}", i + 1)).collect();
                lines.join("\n")
            }
            Role::Ingredients => self.ingredients(6, rng).join("\n"),
            Role::Body | Role::Verse => match self.form {
                Form::Joke => self.whole_joke(rng),
                Form::Poem => format!("{}\n\n{}", self.poem(4, rng), self.poem(4, rng)),
                Form::Recipe => self.recipe(rng),
                Form::Story => self.story(rng),
                Form::Slogan => self.fill(rng.pick(self.phrases.slogans), rng),
                Form::Vision => self.seen(5, rng),
                Form::Prose => self.paragraphs(3, rng),
            },
            Role::Title | Role::Setup | Role::Punchline | Role::Picture | Role::Tags | Role::Slogan => {
                self.short(field, rng)
            }
        }
    }

    /// Items of a list.
    pub(super) fn items(&self, field: &str, count: usize, rng: &mut Rng) -> Vec<String> {
        match role_of(field, self.form) {
            Role::Ingredients => self.ingredients(count, rng),
            Role::Steps => self.steps(count, rng),
            Role::Tags => self.tags(count, rng),
            Role::Verse => (0..count).map(|_| self.fill(rng.pick(self.phrases.verses), rng)).collect(),
            Role::Title => self.cycle(self.phrases.titles, count, rng),
            Role::Slogan | Role::Setup | Role::Punchline => self.cycle(self.phrases.slogans, count, rng),
            Role::Picture => self.cycle(&SCENES, count, rng),
            Role::Body => self.prose(count, rng),
        }
    }

    /// Fills the gaps of a sentence.
    fn fill(&self, sentence: impl AsRef<str>, rng: &mut Rng) -> String {
        let sentence = sentence.as_ref();
        // The subject is inserted last: what a prompt contains is never taken for a gap.
        let mut out = String::with_capacity(sentence.len() + self.topic.phrase.len() * 2);
        let mut rest = sentence;
        while let Some(at) = rest.find('{') {
            out.push_str(&rest[..at]);
            match rest.get(at..at + 3) {
                Some("{t}") => out.push_str(&self.topic.phrase),
                Some("{T}") => out.push_str(&self.topic.capital()),
                Some("{b}") => out.push_str(&self.topic.bare),
                Some("{h}") => out.push_str(&self.topic.headline()),
                Some("{w}") => out.push_str(rng.pick(&self.topic.words).as_str()),
                _ => {}
            }
            rest = rest.get(at + 3..).unwrap_or_default();
        }
        out.push_str(rest);
        capital(&out)
    }

    /// Sentences in a new order, again from the start where more are asked for than there are.
    fn cycle(&self, sentences: &[&str], count: usize, rng: &mut Rng) -> Vec<String> {
        let mut order: Vec<usize> = (0..sentences.len()).collect();
        for i in (1..order.len()).rev() {
            order.swap(i, rng.below(i + 1));
        }
        (0..count).map(|i| self.fill(sentences[order[i % order.len()]], rng)).collect()
    }

    fn prose(&self, count: usize, rng: &mut Rng) -> Vec<String> {
        self.cycle(self.phrases.prose, count, rng)
    }

    fn paragraphs(&self, count: usize, rng: &mut Rng) -> String {
        let sentences = self.prose(count * 3, rng);
        sentences.chunks(3).map(|three| three.join(" ")).collect::<Vec<_>>().join("\n\n")
    }

    fn whole_joke(&self, rng: &mut Rng) -> String {
        let (setup, punchline) = self.phrases.jokes[self.joke];
        format!("{} {}", self.fill(setup, rng), self.fill(punchline, rng))
    }

    /// A run of neighbouring lines, so that rhymes stay together.
    fn poem(&self, lines: usize, rng: &mut Rng) -> String {
        let verses = self.phrases.verses;
        let start = rng.below(verses.len().div_ceil(lines)) * lines;
        let chosen: Vec<String> = (start..start + lines).map(|i| self.fill(verses[i % verses.len()], rng)).collect();
        chosen.join("\n")
    }

    fn story(&self, rng: &mut Rng) -> String {
        let opening = self.fill(rng.pick(self.phrases.openings), rng);
        let ending = self.fill(rng.pick(self.phrases.endings), rng);
        format!("{opening}\n\n{}\n\n{ending}", self.paragraphs(2, rng))
    }

    fn recipe(&self, rng: &mut Rng) -> String {
        let title = self.topic.headline();
        let steps = self.steps(5, rng);
        let numbered: Vec<String> = steps.iter().enumerate().map(|(i, step)| format!("{}. {step}", i + 1)).collect();
        format!("{title}\n\n{}\n\n{}", self.ingredients(6, rng).join("\n"), numbered.join("\n"))
    }

    /// The subject first, then what every kitchen has.
    fn ingredients(&self, count: usize, rng: &mut Rng) -> Vec<String> {
        let mut shelf: Vec<&str> = PANTRY.to_vec();
        let main = self.topic.words.last().map(|word| word.to_lowercase()).unwrap_or_default();
        (0..count)
            .map(|i| {
                if i == 0 {
                    return format!("400 g of {main}");
                }
                if shelf.is_empty() {
                    shelf = PANTRY.to_vec();
                }
                shelf.swap_remove(rng.below(shelf.len())).to_owned()
            })
            .collect()
    }

    /// Steps in the order in which one cooks.
    fn steps(&self, count: usize, rng: &mut Rng) -> Vec<String> {
        if !self.english {
            return self.prose(count, rng);
        }
        let skip = STEPS.len().saturating_sub(count);
        let mut left_out: Vec<usize> = Vec::new();
        while left_out.len() < skip.min(STEPS.len() - 2) {
            let at = 1 + rng.below(STEPS.len() - 2);
            if !left_out.contains(&at) {
                left_out.push(at);
            }
        }
        let kept: Vec<&str> = (0..STEPS.len()).filter(|i| !left_out.contains(i)).map(|i| STEPS[i]).collect();
        (0..count).map(|i| self.fill(kept[i % kept.len()], rng)).collect()
    }

    fn tags(&self, count: usize, rng: &mut Rng) -> Vec<String> {
        const COMMON: [&str; 8] = ["daily", "inspiration", "ideas", "newday", "simple", "make", "share", "today"];
        let tag = |word: &str| {
            format!("#{}", word.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase())
        };
        let mut tags: Vec<String> = self.topic.words.iter().take(count.div_ceil(2)).map(|word| tag(word)).collect();
        let mut common: Vec<&str> = COMMON.to_vec();
        while tags.len() < count {
            if common.is_empty() {
                tags.push(format!("{}{}", tag(rng.pick(&self.topic.words).as_str()), tags.len()));
            } else {
                tags.push(tag(common.swap_remove(rng.below(common.len()))));
            }
        }
        tags
    }

    /// What is seen in a picture, with what was asked about it.
    fn seen(&self, sentences: usize, rng: &mut Rng) -> String {
        if !self.english {
            return self.prose(sentences, rng).join(" ");
        }
        let first = if self.topic.is_named {
            "Asked about {t}, this is what can be seen."
        } else {
            "This is what can be seen."
        };
        let first = self.fill(first, rng);
        format!("{first} {}", self.cycle(&SEEN, sentences.saturating_sub(1).max(1), rng).join(" "))
    }
}

fn form_of(slug: &str) -> Form {
    let slug = slug.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| slug.contains(word));
    if has(&["joke", "pun", "riddle", "roast"]) {
        Form::Joke
    } else if has(&["poem", "poetry", "haiku", "lyric", "song", "limerick", "rap"]) {
        Form::Poem
    } else if has(&["recipe", "cocktail", "meal", "food"]) {
        Form::Recipe
    } else if has(&["story", "fairy", "plot", "tale", "screenplay", "character"]) {
        Form::Story
    } else if has(&["slogan", "tagline", "hook", "motto", "business-name", "headline"]) {
        Form::Slogan
    } else if has(&["vision", "describe", "caption", "image-to-text"]) {
        Form::Vision
    } else {
        Form::Prose
    }
}

fn role_of(field: &str, form: Form) -> Role {
    let name = field.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["illustration", "image", "visual", "picture", "scene"]) {
        Role::Picture
    } else if has(&["title", "name", "headline", "subject"]) {
        Role::Title
    } else if has(&["setup", "question"]) {
        Role::Setup
    } else if has(&["punchline", "answer"]) {
        Role::Punchline
    } else if has(&["tag", "keyword"]) {
        Role::Tags
    } else if has(&["ingredient"]) {
        Role::Ingredients
    } else if has(&["step", "instruction", "direction", "method", "preparation"]) && form == Form::Recipe {
        Role::Steps
    } else if has(&["verse", "stanza", "lines"]) {
        Role::Verse
    } else if has(&["slogan", "tagline", "hook", "motto", "call_to_action", "cta"]) {
        Role::Slogan
    } else {
        Role::Body
    }
}
