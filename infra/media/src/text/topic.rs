//! What a prompt is about.

/// Words that ask for a text or join others, and say nothing about its subject.
const EMPTY_WORDS: &[&str] = &[
    "a",
    "an",
    "the",
    "me",
    "my",
    "us",
    "please",
    "tell",
    "write",
    "make",
    "create",
    "generate",
    "give",
    "show",
    "draw",
    "describe",
    "compose",
    "i",
    "want",
    "need",
    "would",
    "like",
    "can",
    "could",
    "you",
    "some",
    "any",
    "short",
    "long",
    "funny",
    "joke",
    "jokes",
    "poem",
    "poems",
    "story",
    "stories",
    "recipe",
    "recipes",
    "text",
    "essay",
    "slogan",
    "slogans",
    "quote",
    "quotes",
    "song",
    "lyrics",
    "name",
    "names",
    "idea",
    "ideas",
    "about",
    "on",
    "for",
    "of",
    "with",
    "to",
    "that",
    "is",
    "are",
    "was",
    "and",
    "or",
    "in",
    "what",
    "who",
    "why",
    "how",
    "when",
    "where",
    "so",
    "this",
    "image",
    "picture",
    "photo",
    "video",
    "ein",
    "eine",
    "einen",
    "der",
    "die",
    "das",
    "über",
    "mir",
    "bitte",
    "schreibe",
    "witz",
    "gedicht",
    "geschichte",
    "un",
    "una",
    "el",
    "la",
    "los",
    "las",
    "sobre",
    "escribe",
    "chiste",
    "poema",
    "historia",
    "le",
    "les",
    "une",
    "sur",
    "écris",
    "blague",
    "poème",
    "histoire",
    "um",
    "uma",
    "o",
    "os",
    "escreva",
    "piada",
    "en",
    "et",
    "om",
    "skriv",
    "vits",
    "dikt",
    "fortelling",
];

/// After one of these the subject follows.
const BEFORE_SUBJECT: &[&str] = &["about", "on", "of", "for", "über", "sobre", "sur", "om", "regarding", "with"];

/// A subject of more words than this, and without an article, is a sentence or a note: it is quoted.
const UNQUOTED_WORDS_MAX: usize = 4;

/// The subject of a prompt, as words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Topic {
    /// The subject as it can stand in a sentence, with its article if it has one; a whole sentence in
    /// quotation marks.
    pub(super) phrase: String,
    /// The subject without an article.
    pub(super) bare: String,
    /// Its single words that mean something, at least one.
    pub(super) words: Vec<String>,
    /// False where the prompt names no subject and a stand-in is used.
    pub(super) is_named: bool,
}

impl Topic {
    /// Finds the subject of a prompt; `fallback` where it names none. Articles are kept for English
    /// sentences only.
    pub(super) fn find(prompt: &str, fallback: &str, english: bool) -> Self {
        let all: Vec<&str> = prompt
            .split(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’' | '-')))
            .map(|word| word.trim_matches(['\'', '’', '-']))
            .filter(|word| !word.is_empty())
            .take(60)
            .collect();
        let is_empty = |word: &&str| EMPTY_WORDS.contains(&word.to_lowercase().as_str());
        // "…a joke about X": what follows the first such word, if all before it is empty, and not all after.
        let after = all.iter().position(|word| BEFORE_SUBJECT.contains(&word.to_lowercase().as_str()));
        let subject = after
            .filter(|at| all[..*at].iter().all(is_empty))
            .map(|at| &all[at + 1..])
            .filter(|rest| !rest.iter().all(is_empty))
            .unwrap_or(&all);
        let start = subject.iter().position(|word| !is_empty(word)).unwrap_or(subject.len());
        let mut chosen: Vec<String> =
            subject[start..].iter().take(7).map(|word| word.chars().take(40).collect()).collect();
        while chosen.last().is_some_and(|word| is_empty(&word.as_str())) {
            chosen.pop();
        }
        let bare = chosen.join(" ");
        if bare.is_empty() {
            let words = vec![fallback.to_owned()];
            return Self { phrase: fallback.to_owned(), bare: fallback.to_owned(), words, is_named: false };
        }
        let article = start.checked_sub(1).and_then(|at| subject.get(at)).map(|word| word.to_lowercase());
        let phrase = match article.as_deref() {
            Some(article @ ("a" | "an" | "the" | "my")) if english => format!("{article} {bare}"),
            _ if chosen.len() > UNQUOTED_WORDS_MAX => format!("“{bare}”"),
            _ => bare.clone(),
        };
        let meaning = all.iter().filter(|word| !is_empty(word) && word.chars().count() > 2);
        let mut words: Vec<String> = meaning.map(|word| word.chars().take(40).collect()).collect();
        if words.is_empty() {
            words.push(bare.clone());
        }
        Self { phrase, bare, words, is_named: true }
    }

    /// The subject with a capital letter.
    pub(super) fn capital(&self) -> String {
        capital(&self.phrase)
    }

    /// Its first word that means something, as a name has it.
    pub(super) fn name(&self) -> String {
        self.words.first().map(|word| capital(word)).unwrap_or_default()
    }

    /// The subject as a headline.
    pub(super) fn headline(&self) -> String {
        self.bare.split(' ').map(capital).collect::<Vec<_>>().join(" ")
    }
}

/// A text with a capital letter.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_found() {
        let find = |prompt| Topic::find(prompt, "it", true).phrase;
        assert_eq!(find("Tell me a joke about programming"), "programming");
        assert_eq!(find("A sunset over mountains"), "a sunset over mountains");
        assert_eq!(find("write a poem about the old sea"), "the old sea");
        assert_eq!(find("a dragon who is afraid of fire"), "a dragon who is afraid of fire");
        assert_eq!(find("A story of two cities"), "two cities");
        assert_eq!(find("Schreibe ein Gedicht über Kaffee"), "Kaffee");
        assert_eq!(find("vegan lasagne"), "vegan lasagne");
        assert_eq!(find("Ask the landlord to repair it"), "“Ask the landlord to repair it”");
        assert_eq!(find("Please write a story."), "it");
        assert_eq!(find(""), "it");
        assert_eq!(Topic::find("the old sea", "it", true).headline(), "Old Sea");
    }
}
