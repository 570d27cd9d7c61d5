//! Advertisements: hooks, body and call to action about a topic, as long as was asked for.

use super::topic::{Topic, capital};
use crate::seed::{Rng, Root};

/// The most words of a script's body.
const WORDS_MAX: usize = 900;
/// The most keywords that are worked in.
const KEYWORDS_MAX: usize = 20;

/// What a script is to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScriptSpec<'a> {
    /// What it is about.
    pub topic: &'a str,
    /// Whom it speaks to; empty for anybody.
    pub audience: &'a str,
    /// `casual`, `professional`, `humorous`, `educational`, `persuasive` or `emotional`; anything else is casual.
    pub tone: &'a str,
    /// About how many words are spoken in all.
    pub words: usize,
    /// Words that have to appear.
    pub keywords: &'a [String],
    /// How many hooks.
    pub hooks: usize,
    /// Varies everything that is left open.
    pub seed: u64,
}

/// An advertisement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// First sentences, each of which could begin it.
    pub hooks: Vec<String>,
    /// What follows.
    pub body: String,
    /// How it ends.
    pub call_to_action: String,
    /// What is spoken: the first hook, body, call to action.
    pub full_script: String,
    /// Reasons to want it.
    pub angles: Vec<String>,
    /// What kind of opening the first hook is.
    pub strategy: String,
}

/// Ways to begin, each with what it is called.
const HOOKS: [(&str, &str); 8] = [
    ("Question-led hook with a direct pain point.", "Why does nobody tell {a} about {t}?"),
    ("Confession that turns into a recommendation.", "I was sure I did not need {t}, and I was wrong."),
    ("Before and after in one sentence.", "My days had a before and an after, and between them stands {t}."),
    ("Counter-intuitive claim.", "The best thing I bought this year is {t}, and it was not on my list."),
    ("Direct address of the audience.", "If you are one of {a}, stop here: this is about {t}."),
    ("Small moment everybody knows.", "You know that moment when nothing works? That is where {t} comes in."),
    ("Time saved, named at once.", "Ten minutes a day came back to me, thanks to {t}."),
    ("Friend's recommendation.", "A friend would not stop talking about {t}, and now I am that friend."),
];
const BODIES: [(&str, [&str; 5]); 6] = [
    (
        "casual",
        [
            "Honestly, {t} just fits into the day.",
            "No manual, no fuss, it simply works.",
            "I keep it within reach and use it more than I expected.",
            "Even {a} who never try anything new asked me about it.",
            "It does one thing and does it well.",
        ],
    ),
    (
        "professional",
        [
            "{t} was designed for {a} who measure results.",
            "It removes a step from the routine and a doubt from the decision.",
            "Every detail has a purpose, and it shows in daily use.",
            "It is reliable on the first day and on the hundredth.",
            "The time it saves can be counted.",
        ],
    ),
    (
        "humorous",
        [
            "{t} does not talk back, which makes it my favourite colleague.",
            "My cat looked impressed, and my cat is never impressed.",
            "I tried to find a downside and found a snack instead.",
            "{a} will pretend they knew about it all along.",
            "It has never once asked me for my password.",
        ],
    ),
    (
        "educational",
        [
            "Here is how {t} works: it takes care of the part that people forget.",
            "Start with the basics, then let it do the repetition.",
            "Most of {a} notice the difference within a week.",
            "The reason is simple: small steps that are easy are taken every day.",
            "Compare it with what you use now and look at the time it takes.",
        ],
    ),
    (
        "persuasive",
        [
            "{t} gives {a} back what the day takes away.",
            "You lose nothing by trying it and a lot by waiting.",
            "It pays for itself in the first month of use.",
            "People who switch do not switch back.",
            "Once it is part of the routine, nobody wants to miss it.",
        ],
    ),
    (
        "emotional",
        [
            "{t} reminded me why I started.",
            "There is a calm in knowing that this part is taken care of.",
            "I think of the mornings it gave back to {a}.",
            "Some things you buy; a few of them stay with you.",
            "It is a small thing, and it changed the whole day.",
        ],
    ),
];
const CALLS: [&str; 5] = [
    "Try {t} before your next busy week.",
    "Get {t} today and see the difference by the weekend.",
    "See for yourself what {t} can do.",
    "Give {t} one week; you will not go back.",
    "Make {t} part of your day.",
];
const ANGLES: [&str; 7] = [
    "Saves time every day",
    "Feels premium in the hand",
    "Easy from the first minute",
    "Made to last",
    "Fits into any bag and any routine",
    "A gift that is used",
    "Looks good wherever it stands",
];

/// Writes a script. The same arguments give the same one.
#[must_use]
pub fn make_script(spec: ScriptSpec<'_>) -> Script {
    let root = Root::new(spec.topic, spec.seed);
    let mut rng = root.stream("script");
    let topic = Topic::find(spec.topic, "it", true);
    let audience = if spec.audience.trim().is_empty() { "people like you" } else { spec.audience.trim() };
    let fill = |sentence: &str| fill(sentence, &topic, audience);
    let order = shuffled(HOOKS.len(), &mut rng);
    let chosen: Vec<usize> = (0..spec.hooks.max(1)).map(|i| order[i % order.len()]).collect();
    let hooks: Vec<String> = chosen.iter().map(|at| fill(HOOKS[*at].1)).collect();
    let call_to_action = fill(CALLS[rng.below(CALLS.len())]);
    let count = |text: &str| text.split_whitespace().count();
    let around = count(&hooks[0]) + count(&call_to_action);
    let body = body(spec, fill, spec.words.min(WORDS_MAX).saturating_sub(around), &mut rng);
    let angles = shuffled(ANGLES.len(), &mut rng).into_iter().take(3).map(|at| ANGLES[at].to_owned()).collect();
    Script {
        full_script: format!("{} {body} {call_to_action}", hooks[0]),
        strategy: HOOKS[chosen[0]].0.to_owned(),
        hooks,
        body,
        call_to_action,
        angles,
    }
}

/// Sentences until there are about as many words as are wanted, every keyword among them.
fn body(spec: ScriptSpec<'_>, fill: impl Fn(&str) -> String, words: usize, rng: &mut Rng) -> String {
    let sentences = BODIES.iter().find(|(tone, _)| *tone == spec.tone).unwrap_or(&BODIES[0]).1;
    let keywords = spec.keywords.iter().map(|word| word.trim()).filter(|word| !word.is_empty()).take(KEYWORDS_MAX);
    let mut parts: Vec<String> = keywords.map(|word| format!("Think of {word}.")).collect();
    let order = shuffled(sentences.len(), rng);
    let mut said: usize = parts.iter().map(|part| part.split_whitespace().count()).sum();
    for at in 0.. {
        let sentence = fill(sentences[order[at % order.len()]]);
        said += sentence.split_whitespace().count();
        // The last sentence is left out where the script is nearer to its length without it.
        if at > 0 && said > words + 4 {
            break;
        }
        parts.push(sentence);
    }
    parts.join(" ")
}

fn shuffled(count: usize, rng: &mut Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for i in (1..count).rev() {
        order.swap(i, rng.below(i + 1));
    }
    order
}

/// What was asked for is inserted last: nothing in it is taken for a gap.
fn fill(sentence: &str, topic: &Topic, audience: &str) -> String {
    let mut out = String::with_capacity(sentence.len() + topic.phrase.len());
    let mut rest = sentence;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        match rest.get(at..at + 3) {
            Some("{t}") => out.push_str(&topic.phrase),
            Some("{a}") => out.push_str(audience),
            _ => {}
        }
        rest = rest.get(at + 3..).unwrap_or_default();
    }
    out.push_str(rest);
    capital(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_speaks_of_its_topic_and_is_as_long_as_was_asked() {
        let keywords = ["protein shake".to_owned(), "commute".to_owned()];
        for (seed, words) in (0..20).zip([40, 50, 90, 180, 400].into_iter().cycle()) {
            for (tone, _) in BODIES {
                let topic = "Portable blender for busy professionals";
                let audience = "remote workers";
                let spec = ScriptSpec { topic, audience, tone, words, keywords: &keywords, hooks: 3, seed };
                let script = make_script(spec);
                assert_eq!(script, make_script(spec));
                assert_eq!(script.hooks.len(), 3);
                assert!(script.hooks.iter().all(|hook| hook.to_lowercase().contains("portable blender")), "{script:?}");
                assert!(keywords.iter().all(|word| script.body.contains(word.as_str())), "{script:?}");
                let spoken = script.full_script.split_whitespace().count();
                assert!(spoken.abs_diff(words) <= 25, "{spoken} for {words}: {script:?}");
                assert!(script.full_script.starts_with(&script.hooks[0]));
            }
        }
    }

    #[test]
    fn tones_differ_and_nothing_said_still_gives_a_script() {
        let of = |tone| {
            make_script(ScriptSpec { topic: "tea", tone, words: 60, hooks: 1, seed: 3, ..ScriptSpec::default() })
        };
        assert_ne!(of("humorous").body, of("professional").body);
        assert_eq!(of("").body, of("casual").body);
        let nothing = make_script(ScriptSpec::default());
        assert!(!nothing.body.is_empty() && nothing.hooks.len() == 1 && !nothing.full_script.contains('{'));
    }
}
