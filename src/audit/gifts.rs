//! Gifts: what the giver's stream says of each against what the receiver's says. They stand in two appends, and may
//! in two shards, of which one is read before the other.

use std::collections::HashMap;

use mintmark_domain::es::{DecodeError, EventLog, Position, ReadError, Recorded, StreamId, StreamRef, decode_event};
use mintmark_domain::gift::{Gift, GiftEvent, GiftPart, GiftReceipt, ReceiptEvent};
use mintmark_domain::ids::GiftId;
use mintmark_domain::wallet::WalletOwner;
use mintmark_domain::{Credits, Shard};
use uuid::Uuid;

use super::{Finding, not_at};

/// How many streams are asked for at once.
const PAGE: usize = 500;

/// Gifts whose streams have not both said their last, or of which one was not read.
#[derive(Default)]
pub(super) struct Gifts {
    open: HashMap<GiftId, Known>,
}

/// What is known of a gift.
#[derive(Default)]
struct Known {
    sent: Option<Sent>,
    settled: Option<Settled>,
    received: Option<Received>,
}

/// As it left its giver.
pub(super) struct Sent {
    pub from: WalletOwner,
    pub to: WalletOwner,
    pub amount: Credits,
    pub parts: Vec<GiftPart>,
}

/// How its giver's side ended.
struct Settled {
    delivered: bool,
    place: (Shard, Position),
}

/// What its receiver's side says.
struct Received {
    receipt: Uuid,
    /// From whom, by whom and how much; `None` where it was refused.
    taken: Option<(WalletOwner, WalletOwner, Credits)>,
    place: (Shard, Position),
}

impl Gifts {
    /// A gift as it was sent, while it is under way.
    pub fn sent(&self, gift: GiftId) -> Option<&Sent> {
        self.open.get(&gift)?.sent.as_ref()
    }

    /// Takes in what the giver's stream says.
    pub fn given(&mut self, recorded: &Recorded, event: GiftEvent) -> Vec<Finding> {
        let gift = GiftId(recorded.stream.id);
        let place = (recorded.shard, recorded.position);
        let known = self.open.entry(gift).or_default();
        let mut findings = Vec::new();
        match event {
            GiftEvent::Sent(sent) => {
                findings.extend(not_at(recorded, 1));
                let (amount, parts) = (sent.amount, sent.parts);
                let made_up: Credits = parts.iter().map(|part| part.amount).sum();
                if made_up != amount {
                    findings.push(Finding::at(recorded, format!("{gift} of {amount} is made up of {made_up}")));
                }
                known.sent = Some(Sent { from: sent.from, to: sent.to, amount, parts });
            }
            GiftEvent::Delivered { .. } => {
                findings.extend(not_at(recorded, 2));
                known.settled = Some(Settled { delivered: true, place });
            }
            GiftEvent::Returned { .. } => {
                findings.extend(not_at(recorded, 2));
                known.settled = Some(Settled { delivered: false, place });
            }
        }
        findings.extend(self.judge(gift));
        findings
    }

    /// Takes in what a receiver's stream says.
    pub fn received(&mut self, recorded: &Recorded, event: &ReceiptEvent) -> Vec<Finding> {
        let (gift, taken) = match event {
            ReceiptEvent::Taken { gift, from, to, amount, .. } => (*gift, Some((*from, *to, *amount))),
            ReceiptEvent::Refused { gift, .. } => (*gift, None),
        };
        let place = (recorded.shard, recorded.position);
        let known = self.open.entry(gift).or_default();
        let mut findings: Vec<Finding> = not_at(recorded, 1).into_iter().collect();
        // A second event of one receipt is named by its sequence.
        if known.received.as_ref().is_some_and(|received| received.receipt != recorded.stream.id) {
            findings.push(Finding::at(recorded, format!("{gift} has two receipts")));
        }
        known.received = Some(Received { receipt: recorded.stream.id, taken, place });
        findings.extend(self.judge(gift));
        findings
    }

    /// Compares what is known of a gift. It is forgotten once that is all, or differs.
    fn judge(&mut self, gift: GiftId) -> Option<Finding> {
        let known = self.open.get(&gift)?;
        let finding = known.difference(gift);
        if finding.is_some() || (known.sent.is_some() && known.settled.is_some() && known.received.is_some()) {
            self.open.remove(&gift);
        }
        finding
    }

    /// Every shard was read. Beside a running server the other half of what is half known may stand in a shard that
    /// was read before it was written: the log is asked once more.
    pub async fn close(mut self, log: &dyn EventLog) -> Result<Vec<Finding>, ReadError> {
        let missing: Vec<(StreamId, u64)> =
            self.open.iter().filter_map(|(gift, known)| Some((known.missing(*gift)?, 0))).collect();
        let mut findings = Vec::new();
        for streams in missing.chunks(PAGE) {
            for recorded in log.read_streams(streams).await? {
                let taken_in = self.take_in(&recorded);
                findings.extend(taken_in.unwrap_or_else(|error| vec![Finding::at(&recorded, error.to_string())]));
            }
        }
        findings.extend(self.open.iter().filter_map(|(gift, known)| known.lacking(*gift)));
        findings.sort_by_key(|finding| finding.place);
        Ok(findings)
    }

    fn take_in(&mut self, recorded: &Recorded) -> Result<Vec<Finding>, DecodeError> {
        if recorded.stream == StreamRef::of::<Gift>(recorded.stream.id).stream {
            Ok(self.given(recorded, decode_event(recorded)?))
        } else {
            Ok(self.received(recorded, &decode_event(recorded)?))
        }
    }
}

impl Known {
    /// What contradicts itself in what is known.
    fn difference(&self, gift: GiftId) -> Option<Finding> {
        let received = self.received.as_ref()?;
        let found = |place, what| Some(Finding { place: Some(place), what });
        if let Some(Sent { from, to, amount, .. }) = &self.sent {
            if gift.receipt(to.wallet()).0 != received.receipt {
                let what = format!("{} is not the receipt of {gift}, which was sent to {to:?}", received.receipt);
                return found(received.place, what);
            }
            if let Some((giver, taker, taken)) = &received.taken
                && (giver, taker, taken) != (from, to, amount)
            {
                let sent = format!("{amount} by {from:?} to {to:?}");
                let what = format!("{gift} was sent: {sent}, but taken: {taken} of {giver:?} by {taker:?}");
                return found(received.place, what);
            }
        }
        match (self.settled.as_ref()?, &received.taken) {
            (Settled { delivered: true, .. }, Some(_)) | (Settled { delivered: false, .. }, None) => None,
            (Settled { place, .. }, None) => {
                found(*place, format!("{gift} was delivered, but its receiver refused it"))
            }
            (Settled { place, .. }, Some(_)) => found(*place, format!("{gift} was returned, but its receiver took it")),
        }
    }

    /// The stream that must have said something by now and was not seen to.
    fn missing(&self, gift: GiftId) -> Option<StreamId> {
        match (&self.sent, &self.settled, &self.received) {
            (None, _, Some(_)) => Some(StreamRef::of::<Gift>(gift).stream),
            (Some(sent), Some(_), None) => Some(StreamRef::of::<GiftReceipt>(gift.receipt(sent.to.wallet())).stream),
            // Whoever is sent something has not taken it yet, or its giver has not noted so.
            (Some(_), None, _) | (Some(_), Some(_), Some(_)) | (None, _, None) => None,
        }
    }

    /// What nothing in the log goes with.
    fn lacking(&self, gift: GiftId) -> Option<Finding> {
        self.missing(gift)?;
        let (place, what) = match (&self.received, &self.settled) {
            (Some(Received { place, taken: Some(_), .. }), _) => (place, "was taken, and nobody sent it"),
            (Some(Received { place, taken: None, .. }), _) => (place, "was refused, and nobody sent it"),
            (None, Some(Settled { place, delivered: true })) => (place, "was delivered, and nobody took it"),
            (None, Some(Settled { place, delivered: false })) => (place, "was returned, and nobody refused it"),
            (None, None) => return None,
        };
        Some(Finding { place: Some(*place), what: format!("{gift} {what}") })
    }
}
