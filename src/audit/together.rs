//! What one append must say together: what is asked for and its hold, what a run's end or refund says and its wallet,
//! what is paid in and its lot, what is charged back and what is taken for it, each step of a gift and what wallets and
//! allowances say of it.

use mintmark_domain::Credits;
use mintmark_domain::batch::BatchEvent;
use mintmark_domain::bonus::BonusEvent;
use mintmark_domain::es::Recorded;
use mintmark_domain::gift::{GiftEvent, ReceiptEvent};
use mintmark_domain::ids::{AllowanceId, CommitId, WalletId, derived_id};
use mintmark_domain::payment::PaymentEvent;
use mintmark_domain::run::RunEvent;
use mintmark_domain::team::AllowanceEvent;
use mintmark_domain::wallet::{BonusKind, GrantSource, HeldFor, LotKind, WalletEvent, WalletOwner};
use uuid::Uuid;

use super::Finding;
use super::gifts::Sent;

/// One side of something that has two: what it is about, whose purse, how much, and where it stands.
struct Side {
    /// The run, batch, payment, bonus or gift; absent where the wallet's event does not name it.
    about: Option<Uuid>,
    /// The wallet or allowance.
    purse: Uuid,
    amount: Credits,
    /// Of which kind, where both sides say so.
    kind: Option<LotKind>,
    place: Recorded,
}

/// Two kinds of events that come in pairs.
struct Pairs {
    /// What the thing's own stream says, and how that is called.
    said: Vec<Side>,
    said_as: &'static str,
    /// What the purse says.
    booked: Vec<Side>,
    booked_as: &'static str,
    /// What the purse is.
    purse: &'static str,
}

/// The append that is being read.
pub(super) struct Together {
    commit: Option<CommitId>,
    holds: Pairs,
    captures: Pairs,
    refunds: Pairs,
    grants: Pairs,
    chargebacks: Pairs,
    gifts: Pairs,
    takings: Pairs,
    returns: Pairs,
    draws: Pairs,
    draws_back: Pairs,
}

impl Default for Together {
    fn default() -> Self {
        Together {
            commit: None,
            holds: Pairs::new("asks for", "wallet", "holds"),
            captures: Pairs::new("charges", "wallet", "captures"),
            refunds: Pairs::new("gives back", "wallet", "refunds"),
            grants: Pairs::new("brings in", "wallet", "grants"),
            chargebacks: Pairs::new("charges back", "wallet", "takes back"),
            gifts: Pairs::new("sends", "wallet", "hands over"),
            takings: Pairs::new("takes", "wallet", "grants"),
            returns: Pairs::new("gives back", "wallet", "grants"),
            draws: Pairs::new("sends", "allowance", "draws"),
            draws_back: Pairs::new("gives back", "allowance", "takes back"),
        }
    }
}

impl Together {
    /// To be called with every event, before it is told: the append before it may be complete.
    pub fn next(&mut self, recorded: &Recorded) -> Vec<Finding> {
        if self.commit == Some(recorded.commit_id) {
            return Vec::new();
        }
        let findings = self.close();
        self.commit = Some(recorded.commit_id);
        findings
    }

    /// The append is complete.
    pub fn close(&mut self) -> Vec<Finding> {
        let Together {
            commit: _,
            holds,
            captures,
            refunds,
            grants,
            chargebacks,
            gifts,
            takings,
            returns,
            draws,
            draws_back,
        } = self;
        [holds, captures, refunds, grants, chargebacks, gifts, takings, returns, draws, draws_back]
            .into_iter()
            .flat_map(Pairs::settle)
            .collect()
    }

    pub fn run(&mut self, recorded: &Recorded, event: &RunEvent) {
        if let RunEvent::Requested(requested) = event {
            self.holds.say(recorded, recorded.stream.id, requested.payer.wallet, requested.quote.amount);
        }
    }

    /// A run ended at this price, paid out of this wallet.
    pub fn charged(&mut self, recorded: &Recorded, wallet: WalletId, captured: Credits) {
        self.captures.say(recorded, recorded.stream.id, wallet, captured);
    }

    /// A run gave back some of what was paid out of this wallet.
    pub fn refunded(&mut self, recorded: &Recorded, wallet: WalletId, amount: Credits) {
        self.refunds.say(recorded, recorded.stream.id, wallet, amount);
    }

    pub fn batch(&mut self, recorded: &Recorded, event: &BatchEvent) {
        if let BatchEvent::Created(created) = event {
            self.holds.say(recorded, recorded.stream.id, created.payer.wallet, created.maximum());
        }
    }

    /// `filled` is the wallet that the payment filled.
    pub fn payment(&mut self, recorded: &Recorded, event: &PaymentEvent, filled: WalletId) {
        match event {
            PaymentEvent::Received { credits, .. } => self.grants.say(recorded, recorded.stream.id, filled, *credits),
            PaymentEvent::ChargedBack { credits, .. } => {
                self.chargebacks.say(recorded, recorded.stream.id, filled, *credits);
            }
        }
    }

    pub fn bonus(&mut self, recorded: &Recorded, event: &BonusEvent) {
        let BonusEvent::Claimed { wallet, kind, period, credits, .. } = event;
        if credits.is_positive() {
            self.grants.say(recorded, claim_of(*wallet, *kind, period), *wallet, *credits);
        }
    }

    /// The giver's side of a gift. `sent` is what was known of it before, where anything was.
    pub fn gift(&mut self, recorded: &Recorded, event: &GiftEvent, sent: Option<&Sent>) {
        let gift = recorded.stream.id;
        match (event, sent) {
            (GiftEvent::Sent(sent), _) => {
                self.gifts.say(recorded, gift, sent.from.wallet(), sent.amount);
                if let WalletOwner::Allowance { team, member } = sent.to {
                    self.draws.say(recorded, gift, AllowanceId::of(team, member), sent.amount);
                }
            }
            (GiftEvent::Returned { .. }, Some(sent)) => {
                for part in &sent.parts {
                    self.returns.say_kind(recorded, gift, sent.from.wallet(), part.amount, part.kind);
                }
                // What a member could not take was not drawn.
                if let Some(allowance) = drawn_on(sent.from, sent.to) {
                    self.draws_back.say(recorded, gift, allowance, sent.amount);
                }
            }
            (GiftEvent::Returned { .. }, None) | (GiftEvent::Delivered { .. }, _) => {}
        }
    }

    /// The receiver's side.
    pub fn receipt(&mut self, recorded: &Recorded, event: &ReceiptEvent) {
        match event {
            ReceiptEvent::Taken { gift, from, to, amount, .. } => {
                self.takings.say_kind(recorded, gift.0, to.wallet(), *amount, LotKind::Earned);
                if let Some(allowance) = drawn_on(*to, *from) {
                    self.draws_back.say(recorded, gift.0, allowance, *amount);
                }
            }
            ReceiptEvent::Refused { .. } => {}
        }
    }

    pub fn allowance(&mut self, recorded: &Recorded, event: &AllowanceEvent) {
        match event {
            AllowanceEvent::LimitSet { .. } => {}
            AllowanceEvent::Drawn { gift, amount, .. } => self.draws.book(recorded, Some(gift.0), *amount),
            AllowanceEvent::GivenBack { gift, amount, .. } => self.draws_back.book(recorded, Some(gift.0), *amount),
        }
    }

    pub fn wallet(&mut self, recorded: &Recorded, event: &WalletEvent) {
        match event {
            WalletEvent::CreditsHeld { held_for, amount, .. } => {
                self.holds.book(recorded, Some(held_for.id().0), *amount);
            }
            WalletEvent::HoldSplit { run, amount, .. } => self.holds.book(recorded, Some(run.0), *amount),
            WalletEvent::CreditsCaptured { held_for: HeldFor::Run(run), amount, .. } => {
                self.captures.book(recorded, Some(run.0), *amount);
            }
            WalletEvent::CreditsRefunded { run, amount, .. } => self.refunds.book(recorded, Some(run.0), *amount),
            WalletEvent::LotGranted { source, amount, kind, .. } => match source {
                GrantSource::Purchase { payment } => self.grants.book(recorded, Some(payment.0), *amount),
                GrantSource::Bonus { kind, period, .. } => {
                    let claim = claim_of(WalletId(recorded.stream.id), *kind, period);
                    self.grants.book(recorded, Some(claim), *amount);
                }
                GrantSource::Operator { payment, .. } => {
                    self.grants.book(recorded, payment.map(|payment| payment.0), *amount);
                }
                // The giver's side stands in another append.
                GrantSource::Gift { gift, .. } => self.takings.book_kind(recorded, gift.0, *amount, *kind),
                GrantSource::GiftReturned { gift } => self.returns.book_kind(recorded, gift.0, *amount, *kind),
            },
            WalletEvent::PaymentChargedBack { payment, amount, .. } => {
                self.chargebacks.book(recorded, Some(payment.0), *amount);
            }
            WalletEvent::CreditsGifted { gift, amount, .. } => {
                self.gifts.book(recorded, Some(gift.0), *amount);
            }
            // What is captured for a batch itself is a finding by itself.
            WalletEvent::CreditsCaptured { held_for: HeldFor::Batch(_), .. }
            | WalletEvent::Opened { .. }
            | WalletEvent::CreditsReleased { .. }
            | WalletEvent::CreditsAdjusted { .. }
            | WalletEvent::ReceivablePaid { .. }
            | WalletEvent::LotExpired { .. } => {}
        }
    }
}

/// The allowance that what goes between a team's purse and a member's part of it counts for.
fn drawn_on(purse: WalletOwner, part: WalletOwner) -> Option<AllowanceId> {
    match (purse, part) {
        (WalletOwner::Team(team), WalletOwner::Allowance { team: of, member }) if team == of => {
            Some(AllowanceId::of(team, member))
        }
        _ => None,
    }
}

/// What both sides of a bonus are known by here: its stream is one for all periods of its kind.
fn claim_of(wallet: WalletId, kind: BonusKind, period: &str) -> Uuid {
    let parts = [wallet.0.as_bytes().as_slice(), kind.as_str().as_bytes(), period.as_bytes()];
    derived_id(wallet.shard(), "bonus claim", &parts)
}

impl Side {
    fn of(recorded: &Recorded, about: Option<Uuid>, purse: Uuid, amount: Credits, kind: Option<LotKind>) -> Self {
        Side { about, purse, amount, kind, place: recorded.clone() }
    }

    /// Whether the other side is of the same purse, amount and kind.
    fn equals(&self, other: &Side) -> bool {
        (self.purse, self.amount, self.kind) == (other.purse, other.amount, other.kind)
    }

    /// Whether it is what the wallet's event tells of.
    fn is_meant_by(&self, booked: &Side) -> bool {
        match booked.about {
            Some(about) => self.about == Some(about),
            None => self.equals(booked),
        }
    }

    /// How much, of which kind where that counts.
    fn credits(&self) -> String {
        match self.kind {
            Some(kind) => format!("{} {}", self.amount, kind.as_str()),
            None => self.amount.to_string(),
        }
    }
}

impl Pairs {
    fn new(said_as: &'static str, purse: &'static str, booked_as: &'static str) -> Self {
        Pairs { said: Vec::new(), said_as, booked: Vec::new(), booked_as, purse }
    }

    fn say(&mut self, recorded: &Recorded, about: Uuid, purse: impl Into<Uuid>, amount: Credits) {
        self.said.push(Side::of(recorded, Some(about), purse.into(), amount, None));
    }

    fn say_kind(&mut self, recorded: &Recorded, about: Uuid, purse: WalletId, amount: Credits, kind: LotKind) {
        self.said.push(Side::of(recorded, Some(about), purse.0, amount, Some(kind)));
    }

    fn book(&mut self, recorded: &Recorded, about: Option<Uuid>, amount: Credits) {
        self.booked.push(Side::of(recorded, about, recorded.stream.id, amount, None));
    }

    fn book_kind(&mut self, recorded: &Recorded, about: Uuid, amount: Credits, kind: LotKind) {
        self.booked.push(Side::of(recorded, Some(about), recorded.stream.id, amount, Some(kind)));
    }

    /// Matches both sides; what does not match is named where it stands.
    fn settle(&mut self) -> Vec<Finding> {
        let mut said = std::mem::take(&mut self.said);
        let mut booked = std::mem::take(&mut self.booked);
        // Several decisions may share an append, and two of them a payment or a wallet: what is equal goes together,
        // what is named before what is not.
        booked.sort_by_key(|side| side.about.is_none());
        booked.retain(|booked| {
            let same = |side: &Side| side.is_meant_by(booked) && side.equals(booked);
            said.iter().position(same).map(|place| said.swap_remove(place)).is_none()
        });
        let mut findings = Vec::new();
        for booked in booked {
            let (purse, verb) = (format!("{} {}", self.purse, booked.purse), self.booked_as);
            let what = match said.iter().position(|side| side.is_meant_by(&booked)) {
                None => {
                    let about = booked.about.map(|about| format!(" for {about}")).unwrap_or_default();
                    let credits = booked.credits();
                    format!("{purse} {verb} {credits}{about}, and nothing in its append {} that", self.said_as)
                }
                Some(place) => {
                    let side = said.swap_remove(place);
                    let credits = booked.credits();
                    format!("{}, but {purse} {verb} {credits} for it", self.sentence(&side))
                }
            };
            findings.push(Finding::at(&booked.place, what));
        }
        for side in said {
            let what = format!("{}, and nothing in its append {} that", self.sentence(&side), self.booked_as);
            findings.push(Finding::at(&side.place, what));
        }
        findings
    }

    /// What one side says.
    fn sentence(&self, side: &Side) -> String {
        format!("{:?} {} {} with {} {}", side.place.stream, self.said_as, side.credits(), self.purse, side.purse)
    }
}
