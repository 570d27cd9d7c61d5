//! What each ending of a run costs: the published table, as data.

use serde::{Deserialize, Serialize};

/// The line of the published table by which a run was charged. Recorded with every settlement, named
/// on every receipt; codes are frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargingRule {
    /// Everything that was asked for was delivered.
    Delivered,
    /// Some outputs were delivered, some were not.
    PartialDelivery,
    /// Refused before anything was sent to a provider.
    RefusedBeforeSubmit,
    /// The provider failed, or is known to have timed out.
    ProviderFailed,
    /// An output was withheld by moderation.
    OutputModerated,
    /// Cancelled while it waited.
    CancelledWhileQueued,
    /// Cancelled after it was sent.
    CancelledWhileRunning,
    /// Nobody knows yet whether the provider did the work.
    OutcomeUnknown,
    /// The outcome stayed unknown until its deadline.
    OutcomeNeverKnown,
    /// The operator ended it by hand, on evidence from outside.
    SettledByHand,
    /// The provider billed after the run was closed.
    LateProviderBill,
}

/// How much of the quote a rule charges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Charged {
    /// The whole quote.
    Quoted,
    /// The delivered outputs' part of the quote.
    DeliveredOnly,
    /// What the provider confirms as delivered, within the quote.
    ConfirmedOnly,
    /// Nothing.
    Nothing,
    /// Nothing yet: the hold stays.
    HeldUntilKnown,
}

impl ChargingRule {
    /// Every rule, in the order of the published table.
    pub const ALL: [ChargingRule; 11] = [
        ChargingRule::Delivered,
        ChargingRule::PartialDelivery,
        ChargingRule::RefusedBeforeSubmit,
        ChargingRule::ProviderFailed,
        ChargingRule::OutputModerated,
        ChargingRule::CancelledWhileQueued,
        ChargingRule::CancelledWhileRunning,
        ChargingRule::OutcomeUnknown,
        ChargingRule::OutcomeNeverKnown,
        ChargingRule::SettledByHand,
        ChargingRule::LateProviderBill,
    ];

    /// The frozen code, as written in events, receipts and the published table.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            ChargingRule::Delivered => "delivered",
            ChargingRule::PartialDelivery => "partial_delivery",
            ChargingRule::RefusedBeforeSubmit => "refused_before_submit",
            ChargingRule::ProviderFailed => "provider_failed",
            ChargingRule::OutputModerated => "output_moderated",
            ChargingRule::CancelledWhileQueued => "cancelled_while_queued",
            ChargingRule::CancelledWhileRunning => "cancelled_while_running",
            ChargingRule::OutcomeUnknown => "outcome_unknown",
            ChargingRule::OutcomeNeverKnown => "outcome_never_known",
            ChargingRule::SettledByHand => "settled_by_hand",
            ChargingRule::LateProviderBill => "late_provider_bill",
        }
    }

    /// The rule of that code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.code() == code)
    }

    /// When the rule applies, in a sentence for customers.
    #[must_use]
    pub fn applies_when(self) -> &'static str {
        match self {
            ChargingRule::Delivered => "Every output that was asked for was delivered.",
            ChargingRule::PartialDelivery => "Some of the outputs were delivered and some were not.",
            ChargingRule::RefusedBeforeSubmit => "The request was refused before anything was sent to a provider.",
            ChargingRule::ProviderFailed => "The provider reported a failure, or is known to have timed out.",
            ChargingRule::OutputModerated => "Moderation withheld an output.",
            ChargingRule::CancelledWhileQueued => "The run was cancelled before it was sent to a provider.",
            ChargingRule::CancelledWhileRunning => "The run was cancelled after it was sent to a provider.",
            ChargingRule::OutcomeUnknown => "It is not yet known whether the provider did the work.",
            ChargingRule::OutcomeNeverKnown => {
                "The outcome was still unknown when the deadline (24 hours unless set otherwise) passed."
            }
            ChargingRule::SettledByHand => "The operator ended the run by hand; nothing was delivered.",
            ChargingRule::LateProviderBill => "The provider billed for a run that was already closed at no cost.",
        }
    }

    /// What is charged, in a sentence for customers.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            ChargingRule::Delivered => "The quoted price is charged.",
            ChargingRule::PartialDelivery => {
                "Only the delivered outputs are charged; the rest of the hold is released."
            }
            ChargingRule::RefusedBeforeSubmit | ChargingRule::ProviderFailed | ChargingRule::CancelledWhileQueued => {
                "Nothing is charged; the hold, if there was one, is released."
            }
            ChargingRule::OutputModerated => "A withheld output costs nothing; its part of the hold is released.",
            ChargingRule::CancelledWhileRunning => {
                "Only what the provider confirms as delivered is charged; the rest of the hold is released."
            }
            ChargingRule::OutcomeUnknown => {
                "The credits stay held until the outcome is known; nothing is charged meanwhile."
            }
            ChargingRule::OutcomeNeverKnown | ChargingRule::SettledByHand => {
                "The run counts as failed; nothing is charged and the hold is released."
            }
            ChargingRule::LateProviderBill => {
                "Nothing is charged; a late bill is the operator's loss, never the customer's."
            }
        }
    }

    /// How much of the quote is charged.
    #[must_use]
    pub fn charged(self) -> Charged {
        match self {
            ChargingRule::Delivered => Charged::Quoted,
            ChargingRule::PartialDelivery => Charged::DeliveredOnly,
            ChargingRule::CancelledWhileRunning => Charged::ConfirmedOnly,
            ChargingRule::OutcomeUnknown => Charged::HeldUntilKnown,
            ChargingRule::RefusedBeforeSubmit
            | ChargingRule::ProviderFailed
            | ChargingRule::OutputModerated
            | ChargingRule::CancelledWhileQueued
            | ChargingRule::OutcomeNeverKnown
            | ChargingRule::SettledByHand
            | ChargingRule::LateProviderBill => Charged::Nothing,
        }
    }
}

impl std::fmt::Display for ChargingRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_written_in_events_as_its_code() {
        for rule in ChargingRule::ALL {
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.code());
            assert_eq!(ChargingRule::from_code(rule.code()), Some(rule));
        }
    }

    #[test]
    fn codes_are_unique_and_every_rule_says_what_it_costs() {
        let codes: std::collections::BTreeSet<_> = ChargingRule::ALL.iter().map(|rule| rule.code()).collect();
        assert_eq!(codes.len(), ChargingRule::ALL.len());
        for rule in ChargingRule::ALL {
            assert!(rule.applies_when().ends_with('.') && rule.text().ends_with('.'), "{rule}");
        }
    }

    #[test]
    fn only_delivery_charges_anything() {
        let charging: Vec<_> =
            ChargingRule::ALL.into_iter().filter(|rule| rule.charged() != Charged::Nothing).collect();
        assert_eq!(
            charging,
            [
                ChargingRule::Delivered,
                ChargingRule::PartialDelivery,
                ChargingRule::CancelledWhileRunning,
                ChargingRule::OutcomeUnknown
            ]
        );
    }

    #[test]
    fn an_unknown_code_is_no_rule() {
        assert_eq!(ChargingRule::from_code("Delivered"), None);
    }
}
