//! Transcripts of the sandbox: words that fill a recording's length, and say that nobody listened.

use crate::error::MediaError;
use crate::limits::TRANSCRIPT_SECONDS_MAX;
use crate::seed::Root;

/// Words per hundred seconds.
const WORDS_PER_100_SECONDS: u64 = 230;

/// What every transcript begins with.
const MARK: &str = "[sandbox] This transcript was made by the sandbox, which measures recordings and does not listen.";

/// What follows.
const SENTENCES: [&str; 12] = [
    "Every word stands for a moment of the recording.",
    "The times of words and segments fill its whole length.",
    "A real provider writes down what is said here.",
    "Nothing in this text was spoken by anybody.",
    "The same recording gives the same words each time.",
    "Longer recordings have more of these sentences.",
    "Subtitles can be laid out and tested with it.",
    "Credits are counted by the second, as they are for real speech.",
    "No sound has left this server.",
    "The next sentence may be one that was read before.",
    "Please hold the line while the sandbox goes on.",
    "It ends when the recording ends.",
];

/// A word and its place in the recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriptWord {
    /// The word, with its punctuation.
    pub word: String,
    /// When it begins, in milliseconds.
    pub start_ms: u64,
    /// When it ends.
    pub end_ms: u64,
}

/// A sentence and its place in the recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriptSegment {
    /// The sentence.
    pub text: String,
    /// When it begins, in milliseconds.
    pub start_ms: u64,
    /// When it ends.
    pub end_ms: u64,
}

/// A recording written down. Words, and segments too, follow each other without a gap from 0 to the
/// recording's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// The whole text.
    pub text: String,
    /// Its words.
    pub words: Vec<TranscriptWord>,
    /// Its sentences; the last may be cut off.
    pub segments: Vec<TranscriptSegment>,
}

/// Writes a transcript for a recording of that length. `subject` (a digest of the recording) and
/// `seed` choose the sentences; the same of all give the same.
///
/// # Errors
/// [`MediaError::Length`] for nothing or above [`TRANSCRIPT_SECONDS_MAX`].
pub fn make_transcript(subject: &str, seed: u64, duration_ms: u64) -> Result<Transcript, MediaError> {
    let max_ms = u64::from(TRANSCRIPT_SECONDS_MAX) * 1000;
    if duration_ms == 0 || duration_ms > max_ms {
        return Err(MediaError::Length { asked_ms: duration_ms, max_ms });
    }
    let mut rng = Root::new(subject, seed).stream("transcript");
    let count = (duration_ms * WORDS_PER_100_SECONDS / 100_000).max(1);
    let (mut words, mut segments) = (Vec::new(), Vec::new());
    let mut sentence = MARK;
    while (words.len() as u64) < count {
        let left = (count - words.len() as u64) as usize;
        let said: Vec<&str> = sentence.split(' ').take(left).collect();
        let place = |number: u64| number * duration_ms / count;
        let first = words.len() as u64;
        words.extend((first..).zip(&said).map(|(number, word)| TranscriptWord {
            word: (*word).to_owned(),
            start_ms: place(number),
            end_ms: place(number + 1),
        }));
        let (start_ms, end_ms) = (place(first), place(words.len() as u64));
        segments.push(TranscriptSegment { text: said.join(" "), start_ms, end_ms });
        sentence = *rng.pick::<&str>(&SENTENCES);
    }
    let text = segments.iter().map(|segment| segment.text.as_str()).collect::<Vec<_>>().join(" ");
    Ok(Transcript { text, words, segments })
}
