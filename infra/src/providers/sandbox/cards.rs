//! What can be asked of the sandbox by prompt, as with test cards.

use std::time::Duration;

/// The longest slowness that can be asked for.
const SLOW_MAX: Duration = Duration::from_secs(3_600);

/// What a prompt asks of the sandbox besides its picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cards {
    /// It fails for sure.
    pub fail: bool,
    /// It is refused when it is handed over.
    pub refuse: bool,
    /// So many of the last outputs are withheld.
    pub moderate: Option<u32>,
    /// Only so many of the first outputs are made.
    pub partial: Option<u32>,
    /// It takes that long.
    pub slow: Duration,
    /// It never ends by itself.
    pub hang: bool,
    /// It cannot be stopped.
    pub stubborn: bool,
    /// The work is done, the reply is lost.
    pub lost_reply: bool,
    /// The reply is lost, and no question about it is ever answered.
    pub unknown: bool,
    /// So many of the first attempts never arrive.
    pub unsent: u32,
    /// The quality that was chosen, where it was left open.
    pub quality: Option<String>,
    /// What it is said to have cost, in US dollars.
    pub cost: Option<String>,
}

impl Cards {
    /// Reads the cards out of a prompt: what is asked for, and the prompt without them.
    pub fn read(prompt: &str) -> (Cards, String) {
        const OPEN: &str = "[sandbox:";
        let mut cards = Cards::default();
        let mut clean = String::with_capacity(prompt.len());
        let mut rest = prompt;
        while let Some(at) = rest.find(OPEN) {
            clean.push_str(&rest[..at]);
            let after = &rest[at + OPEN.len()..];
            let Some(end) = after.find(']') else {
                rest = &rest[at..];
                break;
            };
            if cards.take(&after[..end]) {
                rest = &after[end + 1..];
            } else {
                // Not a card: it belongs to the prompt.
                clean.push_str(&rest[at..at + OPEN.len() + end + 1]);
                rest = &after[end + 1..];
            }
        }
        clean.push_str(rest);
        (cards, clean.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    fn take(&mut self, card: &str) -> bool {
        let (name, value) = match card.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (card.trim(), None),
        };
        let number = value.and_then(|value| value.parse::<u32>().ok());
        match (name, value) {
            ("fail", None) => self.fail = true,
            ("refuse", None) => self.refuse = true,
            ("moderate", None) => self.moderate = Some(u32::MAX),
            ("moderate", Some(_)) if number.is_some() => self.moderate = number,
            ("partial", Some(_)) if number.is_some() => self.partial = number,
            ("slow", Some(seconds)) => match seconds.parse::<f64>().ok().map(Duration::try_from_secs_f64) {
                Some(Ok(slow)) => self.slow = slow.min(SLOW_MAX),
                Some(Err(_)) | None => return false,
            },
            ("hang", None) => self.hang = true,
            ("stubborn", None) => self.stubborn = true,
            ("lost-reply", None) => self.lost_reply = true,
            ("unknown", None) => self.unknown = true,
            ("unsent", None) => self.unsent = 1,
            ("unsent", Some(_)) => match number {
                Some(times) => self.unsent = times,
                None => return false,
            },
            ("quality", Some(quality)) if !quality.is_empty() => self.quality = Some(quality.to_owned()),
            ("cost", Some(cost)) if cost.parse::<rust_decimal::Decimal>().is_ok() => self.cost = Some(cost.to_owned()),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_read_and_leave_the_prompt() {
        let (cards, prompt) = Cards::read("A cat [sandbox:slow=1.5] on a [sandbox:partial=2] roof [sandbox:cost=0.02]");
        assert_eq!(prompt, "A cat on a roof");
        assert_eq!((cards.slow, cards.partial), (Duration::from_millis(1_500), Some(2)));
        assert_eq!(cards.cost.as_deref(), Some("0.02"));
        assert_eq!(Cards::read("plain"), (Cards::default(), "plain".to_owned()));
    }

    #[test]
    fn every_card_asks_for_something() {
        let names = [
            "fail",
            "refuse",
            "moderate",
            "moderate=1",
            "partial=1",
            "slow=1",
            "hang",
            "stubborn",
            "lost-reply",
            "unknown",
            "unsent",
            "unsent=2",
            "quality=low",
            "cost=1",
        ];
        let mut seen = Vec::new();
        for name in names {
            let (cards, prompt) = Cards::read(&format!("[sandbox:{name}]"));
            assert!(prompt.is_empty() && cards != Cards::default(), "{name}");
            assert!(!seen.contains(&cards), "{name}");
            seen.push(cards);
        }
    }

    #[test]
    fn what_is_no_card_stays_in_the_prompt() {
        for prompt in
            ["[sandbox:nope]", "[sandbox:slow=x]", "[sandbox:fail", "[sandbox:slow=-1]", "[sandbox:cost=much]"]
        {
            assert_eq!(Cards::read(prompt), (Cards::default(), prompt.to_owned()));
        }
    }
}
