//! Puts sentences together for a form and a field.

use super::TextSpec;
use super::phrases::{self, Phrases};
use super::role::{Form, Role, form_of, role_of};
use super::stock;
use super::topic::{Topic, capital};
use crate::seed::{Rng, Root};

/// Generators of these speak of what was never heard of, so its names are invented.
const INVENTED: [&str; 6] = ["fantasy", "character", "world", "quest", "myth", "creature"];

/// Writes everything of one request, so that its fields fit together.
pub(super) struct Writer<'a> {
    form: Form,
    phrases: &'a Phrases,
    english: bool,
    topic: Topic,
    /// What somebody wrote, for forms that give it back.
    asked: &'a str,
    /// Whether names are invented.
    invents: bool,
    /// The one joke of this request.
    joke: usize,
    /// The one title of this request.
    title: usize,
}

impl<'a> Writer<'a> {
    /// A writer for a request.
    pub(super) fn new(spec: TextSpec<'a>, root: &Root) -> Self {
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
            asked: spec.prompt.trim(),
            invents: INVENTED.iter().any(|word| spec.form.contains(word)),
            joke: rng.below(phrases.jokes.len()),
            title: rng.below(phrases.titles.len()),
        }
    }

    /// A line or a few sentences for a field.
    pub(super) fn short(&self, field: &str, rng: &mut Rng) -> String {
        match role_of(field, self.form) {
            Role::Title => self.fill(self.phrases.titles[self.title], rng),
            Role::Subject => capital(&self.topic.bare),
            Role::Setup => self.fill(self.phrases.jokes[self.joke].0, rng),
            Role::Punchline => self.fill(self.phrases.jokes[self.joke].1, rng),
            Role::Hashtags if !field.ends_with('s') => self.hashtags(1, rng).join(" "),
            Role::Hashtags => self.hashtags(5, rng).join(" "),
            Role::Keywords => self.keywords(5, rng).join(", "),
            Role::Ingredients => self.ingredients(5, rng).join(", "),
            Role::Verse => self.poem(4, rng),
            Role::Talk => self.talk(4, rng).join("\n"),
            Role::Query => self.query(),
            Role::Pattern => format!(r"(?i)\b{}\b", self.last_word()),
            Role::Explanation => self.prose(2, rng).join(" "),
            Role::Body => match self.form {
                Form::Joke => self.whole_joke(rng),
                Form::Slogan => self.fill(rng.pick(self.phrases.slogans), rng),
                Form::Poem => self.poem(4, rng),
                Form::Vision => self.seen(3, rng),
                Form::Recipe | Form::Story | Form::Echo | Form::Prose => self.prose(2, rng).join(" "),
            },
            // What a list has many of, a line has one of.
            _ => self.items(field, 1, rng).concat(),
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
            Role::Explanation => self.paragraphs(2, rng),
            Role::Body | Role::Verse => match self.form {
                Form::Joke => self.whole_joke(rng),
                Form::Poem => format!("{}\n\n{}", self.poem(4, rng), self.poem(4, rng)),
                Form::Recipe => self.recipe(rng),
                Form::Story => self.story(rng),
                Form::Slogan => self.fill(rng.pick(self.phrases.slogans), rng),
                Form::Vision => self.seen(5, rng),
                Form::Echo if self.topic.is_named => capital(self.asked),
                Form::Echo | Form::Prose => self.paragraphs(3, rng),
            },
            _ => self.short(field, rng),
        }
    }

    /// Items of a list.
    pub(super) fn items(&self, field: &str, count: usize, rng: &mut Rng) -> Vec<String> {
        let phrases = self.phrases;
        match role_of(field, self.form) {
            Role::Title => self.cycle(phrases.titles, count, rng),
            Role::Name => self.names(count, rng),
            Role::Person if self.invents => self.invented(count, rng),
            Role::Person => self.cycle(stock::PEOPLE, count, rng),
            Role::Question => self.cycle(phrases.questions, count, rng),
            Role::Picture => self.cycle(&stock::SCENES, count, rng),
            Role::Hashtags => self.hashtags(count, rng),
            Role::Keywords => self.keywords(count, rng),
            Role::Ingredients => self.ingredients(count, rng),
            Role::Steps => self.steps(count, rng),
            Role::Verse => self.verses(count, rng),
            Role::Slogan | Role::Setup | Role::Punchline => self.cycle(phrases.slogans, count, rng),
            Role::Opening => self.cycle(phrases.openings, count, rng),
            Role::Ending => self.cycle(phrases.endings, count, rng),
            Role::Greeting => vec![phrases.greeting.to_owned(); count],
            Role::Closing => vec![phrases.closing.to_owned(); count],
            Role::Talk => self.talk(count, rng),
            Role::Numbered(label) => self.numbered(label, count, rng),
            Role::Chapters => {
                let titles = self.cycle(phrases.prose, count, rng);
                titles.iter().enumerate().map(|(i, title)| format!("{}:{:02} {title}", i * 2, i * 7 % 60)).collect()
            }
            Role::Numbers => numbers(count, rng),
            Role::Match => self.around_word(|word| word.to_owned(), count, rng),
            Role::NoMatch => self.around_word(|word| format!("non{word}"), count, rng),
            Role::Course(sentences) if self.english => self.in_order(sentences, count, rng),
            Role::Stock(sentences) if self.english => self.cycle(sentences, count, rng),
            Role::Subject | Role::Query | Role::Pattern => (0..count).map(|_| self.short(field, rng)).collect(),
            Role::Course(_) | Role::Stock(_) | Role::Sentence | Role::Explanation | Role::Body => {
                self.prose(count, rng)
            }
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
                Some("{n}") => out.push_str(&self.topic.name()),
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

    /// Some of the sentences, in the order in which they stand; again from the start as in [`Self::cycle`].
    fn in_order(&self, sentences: &[&str], count: usize, rng: &mut Rng) -> Vec<String> {
        let mut left: Vec<&str> = sentences.to_vec();
        while left.len() > count.max(1) {
            left.remove(rng.below(left.len()));
        }
        (0..count).map(|i| self.fill(left[i % left.len()], rng)).collect()
    }

    /// Names of what was never heard of, of firms, or of what is eaten.
    fn names(&self, count: usize, rng: &mut Rng) -> Vec<String> {
        if self.invents {
            return self.invented(count, rng);
        }
        let names = if self.form == Form::Recipe { stock::DISHES } else { stock::NAMES };
        if self.english { self.cycle(names, count, rng) } else { self.cycle(self.phrases.titles, count, rng) }
    }

    /// Names that nobody has, each with another beginning as long as there are enough.
    fn invented(&self, count: usize, rng: &mut Rng) -> Vec<String> {
        let [first, middle, last] = stock::SYLLABLES;
        let start = rng.below(first.len());
        (0..count)
            .map(|i| format!("{}{}{}", first[(start + i) % first.len()], rng.pick(&middle), rng.pick(&last)))
            .collect()
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

    /// Neighbouring lines, one to an item.
    fn verses(&self, count: usize, rng: &mut Rng) -> Vec<String> {
        let verses = self.phrases.verses;
        let start = rng.below(verses.len().div_ceil(4)) * 4;
        (start..start + count).map(|i| self.fill(verses[i % verses.len()], rng)).collect()
    }

    /// What two people say in turn.
    fn talk(&self, count: usize, rng: &mut Rng) -> Vec<String> {
        let speakers = self.cycle(stock::PEOPLE, 2, rng);
        let said = self.prose(count, rng);
        said.iter().enumerate().map(|(i, line)| format!("{}: {line}", speakers[i % 2])).collect()
    }

    /// Parts in order: "Day 1: …".
    fn numbered(&self, label: &str, count: usize, rng: &mut Rng) -> Vec<String> {
        let course = match (label, self.form) {
            ("Day", Form::Recipe) => stock::DINNERS,
            ("Day", _) => stock::DAYS,
            _ => stock::STEPS,
        };
        let parts = if self.english { self.in_order(course, count, rng) } else { self.prose(count, rng) };
        let label = if self.english { format!("{label} ") } else { String::new() };
        parts.iter().enumerate().map(|(i, part)| format!("{label}{}: {part}", i + 1)).collect()
    }

    /// The word that patterns and queries are about.
    fn last_word(&self) -> String {
        self.topic.words.last().map(|word| word.to_lowercase()).unwrap_or_default()
    }

    /// Short texts with that word in them, after something was done to it.
    fn around_word(&self, change: impl Fn(&str) -> String, count: usize, rng: &mut Rng) -> Vec<String> {
        const AROUND: [&str; 5] = ["_ comes first", "then _", "one _ more", "_, of course", "without _ it fails"];
        let word = change(&self.last_word());
        let start = rng.below(AROUND.len());
        (0..count).map(|i| AROUND[(start + i) % AROUND.len()].replace('_', &word)).collect()
    }

    fn query(&self) -> String {
        let table: String = self.last_word().chars().filter(|c| c.is_alphanumeric()).collect();
        format!("SELECT * FROM \"{table}\" WHERE created_at >= $1 ORDER BY created_at DESC LIMIT 20")
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
        let mut shelf: Vec<&str> = stock::PANTRY.to_vec();
        let main = self.topic.words.last().map(|word| word.to_lowercase()).unwrap_or_default();
        (0..count)
            .map(|i| {
                if i == 0 {
                    return format!("400 g of {main}");
                }
                if shelf.is_empty() {
                    shelf = stock::PANTRY.to_vec();
                }
                shelf.swap_remove(rng.below(shelf.len())).to_owned()
            })
            .collect()
    }

    /// Steps in the order in which one cooks.
    fn steps(&self, count: usize, rng: &mut Rng) -> Vec<String> {
        const COOKING: [&str; 10] = stock::COOKING;
        if !self.english {
            return self.prose(count, rng);
        }
        let skip = COOKING.len().saturating_sub(count);
        let mut left_out: Vec<usize> = Vec::new();
        while left_out.len() < skip.min(COOKING.len() - 2) {
            let at = 1 + rng.below(COOKING.len() - 2);
            if !left_out.contains(&at) {
                left_out.push(at);
            }
        }
        let kept: Vec<&str> = (0..COOKING.len()).filter(|i| !left_out.contains(i)).map(|i| COOKING[i]).collect();
        (0..count).map(|i| self.fill(kept[i % kept.len()], rng)).collect()
    }

    /// Words of the prompt, then some that go with anything; none twice.
    fn keywords(&self, count: usize, rng: &mut Rng) -> Vec<String> {
        let mut words: Vec<String> = Vec::with_capacity(count);
        for word in &self.topic.words {
            let word: String = word.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
            if words.len() < count.div_ceil(2) && !word.is_empty() && !words.contains(&word) {
                words.push(word);
            }
        }
        let mut common: Vec<&str> = stock::COMMON_WORDS.to_vec();
        let mut further = 0;
        while words.len() < count {
            let word = if common.is_empty() {
                further += 1;
                format!("more{further}")
            } else {
                common.swap_remove(rng.below(common.len())).to_owned()
            };
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words
    }

    fn hashtags(&self, count: usize, rng: &mut Rng) -> Vec<String> {
        self.keywords(count, rng).iter().map(|word| format!("#{word}")).collect()
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
        format!("{first} {}", self.cycle(&stock::SEEN, sentences.saturating_sub(1).max(1), rng).join(" "))
    }
}

/// Different whole numbers from 1 to 49, smallest first; more than there are start again.
fn numbers(count: usize, rng: &mut Rng) -> Vec<String> {
    let mut left: Vec<u32> = Vec::new();
    let mut drawn: Vec<u32> = (0..count)
        .map(|_| {
            if left.is_empty() {
                left = (1..=49).collect();
            }
            left.swap_remove(rng.below(left.len()))
        })
        .collect();
    drawn.sort_unstable();
    drawn.iter().map(u32::to_string).collect()
}
