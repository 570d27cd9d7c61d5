//! Gifts between two shards, back to who gave them, and between a team and its members.

use mintmark_domain::gift::{Gift, GiftCommand, GiftPart, GiftReceipt, ReceiptCommand, RefusedGift, SentGift};
use mintmark_domain::ids::{AllowanceId, GiftId, TeamId};
use mintmark_domain::team::{Allowance, AllowanceCommand};

use super::*;

/// Ann, in the first shard.
fn ann() -> WalletOwner {
    WalletOwner::Account(account())
}

/// Ben, in the second.
fn ben() -> AccountId {
    AccountId(derived_id(shards()[1], "account", &[b"ben"]))
}

/// A team, in the first, and what it lets Ben spend.
fn team() -> TeamId {
    TeamId(derived_id(Shard::ZERO, "team", &[]))
}

fn part_of_ben() -> WalletOwner {
    WalletOwner::Allowance { team: team(), member: ben() }
}

fn allowance() -> AllowanceId {
    AllowanceId::of(team(), ben())
}

/// A gift of 12, 5 that were given and 7 that were bought, and the steps on its way as the use cases take them.
#[derive(Clone, Copy)]
struct Way {
    gift: GiftId,
    from: WalletOwner,
    to: WalletOwner,
}

impl Way {
    fn named(name: &str, from: WalletOwner, to: WalletOwner) -> Self {
        Way { gift: GiftId(derived_id(from.wallet().shard(), "gift", &[name.as_bytes()])), from, to }
    }

    fn parts(self) -> Vec<GiftPart> {
        match self.from {
            // What a part of a team's wallet holds came in as a gift.
            WalletOwner::Allowance { .. } => vec![GiftPart { kind: LotKind::Earned, amount: self.amount() }],
            WalletOwner::Account(_) | WalletOwner::Team(_) => {
                let part = |(kind, amount)| GiftPart { kind, amount: Credits::whole(amount) };
                [(LotKind::Free, 5), (LotKind::Paid, 7)].map(part).to_vec()
            }
        }
    }

    fn amount(self) -> Credits {
        Credits::whole(12)
    }

    /// The streams of its giver's side.
    fn givers(self) -> Vec<StreamRef> {
        let streams = [StreamRef::of::<CreditWallet>(self.from.wallet()), StreamRef::of::<Gift>(self.gift)];
        streams.into_iter().chain(self.allowance(self.from)).collect()
    }

    /// The streams of its receiver's side.
    fn receivers(self) -> Vec<StreamRef> {
        let (wallet, receipt) = (self.to.wallet(), self.gift.receipt(self.to.wallet()));
        let streams = [StreamRef::of::<CreditWallet>(wallet), StreamRef::of::<GiftReceipt>(receipt)];
        streams.into_iter().chain(self.allowance(self.to)).collect()
    }

    /// The allowance lies with the team.
    fn allowance(self, side: WalletOwner) -> Option<StreamRef> {
        matches!(side, WalletOwner::Team(_)).then(|| StreamRef::of::<Allowance>(allowance()))
    }

    async fn sent(self, told: &Told) {
        told.decide(&self.givers(), move |unit| {
            let (at, Way { gift, from, to }, amount) = (unit.now(), self, self.amount());
            if let WalletOwner::Allowance { .. } = to {
                let draw = AllowanceCommand::Draw { gift, amount, team_limit: Credits::whole(100), at };
                unit.execute::<Allowance>(allowance(), draw).unwrap();
            }
            unit.execute::<CreditWallet>(from.wallet(), WalletCommand::Gift { gift, to: to.party(), amount, at })
                .unwrap();
            let sent = SentGift { from, to, by: account(), amount, parts: self.parts(), fingerprint: None, at };
            unit.execute::<Gift>(gift, GiftCommand::Send(Box::new(sent))).unwrap();
        })
        .await;
    }

    async fn taken(self, told: &Told) {
        told.decide(&self.receivers(), move |unit| {
            let (at, Way { gift, from, to }, amount) = (unit.now(), self, self.amount());
            let (wallet, source) = (to.wallet(), GrantSource::Gift { gift, from: from.party() });
            unit.execute::<CreditWallet>(wallet, WalletCommand::Open { owner: to }).unwrap();
            let kind = LotKind::Earned;
            let grant = WalletCommand::Grant { kind, amount, priority: 0, expires_at: None, source, at };
            unit.execute::<CreditWallet>(wallet, grant).unwrap();
            if let WalletOwner::Team(_) = to {
                let back = AllowanceCommand::GiveBack { gift, amount, at };
                unit.execute::<Allowance>(allowance(), back).unwrap();
            }
            let take = ReceiptCommand::Take { gift, from, to, amount, at };
            unit.execute::<GiftReceipt>(gift.receipt(wallet), take).unwrap();
        })
        .await;
    }

    async fn refused(self, told: &Told) {
        told.decide(&self.receivers(), move |unit| {
            let refuse = ReceiptCommand::Refuse { gift: self.gift, why: RefusedGift::Gone, at: unit.now() };
            unit.execute::<GiftReceipt>(self.gift.receipt(self.to.wallet()), refuse).unwrap();
        })
        .await;
    }

    async fn delivered(self, told: &Told) {
        told.decide(&self.givers(), move |unit| {
            let deliver = GiftCommand::Deliver { at: unit.now() };
            unit.execute::<Gift>(self.gift, deliver).unwrap();
        })
        .await;
    }

    async fn returned(self, told: &Told) {
        told.decide(&self.givers(), move |unit| {
            let (at, Way { gift, from, to }) = (unit.now(), self);
            unit.execute::<Gift>(gift, GiftCommand::Return { why: RefusedGift::Gone, at }).unwrap();
            for GiftPart { kind, amount } in self.parts() {
                let source = GrantSource::GiftReturned { gift };
                let grant = WalletCommand::Grant { kind, amount, priority: 0, expires_at: None, source, at };
                unit.execute::<CreditWallet>(from.wallet(), grant).unwrap();
            }
            if let WalletOwner::Allowance { .. } = to {
                let back = AllowanceCommand::GiveBack { gift, amount: self.amount(), at };
                unit.execute::<Allowance>(allowance(), back).unwrap();
            }
        })
        .await;
    }
}

/// The wallets of Ann and of the team, each with 5 that were given and 20 that were bought.
async fn purses() -> Told {
    let told = Told::begun().await;
    for owner in [ann(), WalletOwner::Team(team())] {
        let wallet = owner.wallet();
        let payments = [LotKind::Free, LotKind::Paid].map(|kind| {
            (kind, PaymentId(derived_id(Shard::ZERO, "grant", &[wallet.0.as_bytes(), kind.as_str().as_bytes()])))
        });
        let mut streams = vec![StreamRef::of::<CreditWallet>(wallet)];
        streams.extend(payments.map(|(_, payment)| StreamRef::of::<Payment>(payment)));
        told.decide(&streams, move |unit| {
            let at = unit.now();
            unit.execute::<CreditWallet>(wallet, WalletCommand::Open { owner }).unwrap();
            for (kind, payment) in payments {
                let amount = Credits::whole(if kind == LotKind::Free { 5 } else { 20 });
                let received = ReceivedPayment::granted(wallet, amount, None);
                unit.execute::<Payment>(payment, PaymentCommand::Receive { received, at }).unwrap();
                let source = GrantSource::Operator { reason: "to begin with".into(), payment: None };
                let grant = WalletCommand::Grant { kind, amount, priority: 0, expires_at: None, source, at };
                unit.execute::<CreditWallet>(wallet, grant).unwrap();
            }
        })
        .await;
    }
    told
}

fn to_ben() -> Way {
    Way::named("to Ben", ann(), WalletOwner::Account(ben()))
}

/// A gift that Ben took, to the end.
async fn delivered() -> Arc<MemoryEventLog> {
    let told = purses().await;
    to_ben().sent(&told).await;
    to_ben().taken(&told).await;
    to_ben().delivered(&told).await;
    told.ended().await
}

/// A gift that Ben could not take, to the end.
async fn returned() -> Arc<MemoryEventLog> {
    let told = purses().await;
    to_ben().sent(&told).await;
    to_ben().refused(&told).await;
    to_ben().returned(&told).await;
    told.ended().await
}

#[tokio::test]
async fn a_gift_that_comes_back_is_granted_kind_by_kind() {
    let log = returned().await;
    assert_eq!(found_in(&*log).await, Vec::<String>::new());
    let lot = event(&log, ("gift.returned", 0)).await.position;
    // Four lots were there before.
    let found = found_said(&log, ("credit_wallet.lot_granted", 4), "\"kind\":\"free\"", "\"kind\":\"paid\"").await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_found(&found, &format!("shard 0, position {}: gift/", lot.0 + 1));
    assert_found(&found, "gives back 5 free with wallet");
    assert_found(&found, "grants 5 paid for it");
}

#[tokio::test]
async fn what_a_gift_is_made_up_of_is_its_amount() {
    let log = delivered().await;
    let found = found_said(&log, ("gift.sent", 0), "\"amount\":\"5\"", "\"amount\":\"6\"").await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_found(&found, "of 12 is made up of 13");
}

#[tokio::test]
async fn a_gift_is_taken_as_it_was_sent_and_once() {
    let log = delivered().await;
    assert_eq!(found_in(&*log).await, Vec::<String>::new());
    let found = found_said(&log, ("gift_receipt.taken", 0), "\"amount\":\"12\"", "\"amount\":\"13\"").await;
    assert_found(&found, "was sent: 12 by");
    let found = found_altered(&log, ("gift_receipt.taken", 0), |recorded| {
        recorded.stream.id = derived_id(shards()[1], "other", &[]);
    })
    .await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_found(&found, "is not the receipt of gift_");
    say_again(&log, "gift_receipt.taken").await;
    assert_found(&found_in(&*log).await, "gift_receipt.taken is event 2 of gift_receipt/");
}

#[tokio::test]
async fn a_gift_under_way_has_no_findings_wherever_it_is() {
    let told = purses().await;
    to_ben().sent(&told).await;
    assert_eq!(found_in(&*told.log).await, Vec::<String>::new());
    to_ben().taken(&told).await;
    assert_eq!(found_in(&*told.log).await, Vec::<String>::new());
}

#[tokio::test]
async fn both_sides_of_a_gift_end_alike() {
    let told = purses().await;
    to_ben().sent(&told).await;
    to_ben().refused(&told).await;
    to_ben().delivered(&told).await;
    assert_found(&found_in(&*told.ended().await).await, "was delivered, but its receiver refused it");

    let told = purses().await;
    to_ben().sent(&told).await;
    to_ben().taken(&told).await;
    to_ben().returned(&told).await;
    assert_found(&found_in(&*told.ended().await).await, "was returned, but its receiver took it");
}

#[tokio::test]
async fn a_side_of_a_gift_that_has_no_other_is_found() {
    let told = purses().await;
    to_ben().taken(&told).await;
    assert_found(&found_in(&*told.ended().await).await, "was taken, and nobody sent it");

    let told = purses().await;
    to_ben().refused(&told).await;
    assert_found(&found_in(&*told.ended().await).await, "was refused, and nobody sent it");

    let told = purses().await;
    to_ben().sent(&told).await;
    to_ben().delivered(&told).await;
    assert_found(&found_in(&*told.ended().await).await, "was delivered, and nobody took it");

    let told = purses().await;
    to_ben().sent(&told).await;
    to_ben().returned(&told).await;
    assert_found(&found_in(&*told.ended().await).await, "was returned, and nobody refused it");
}

#[tokio::test]
async fn the_other_side_of_a_gift_may_have_been_written_after_its_shard_was_read() {
    let log = delivered().await;
    let before = async |event_type| {
        let Recorded { shard, position, .. } = event(&log, (event_type, 0)).await;
        // What the wallet says stands before it, in the same append.
        Some((shard, Position(position.0 - if shard == Shard::ZERO { 2 } else { 3 })))
    };
    for early in [before("gift.sent").await, before("gift_receipt.taken").await] {
        let sound = Altered { log: log.clone(), alter: |_: &mut Recorded| {}, early };
        assert_eq!(found_in(&sound).await, Vec::<String>::new(), "{early:?}");
    }
    let alter = |recorded: &mut Recorded| {
        if recorded.event_type == "gift.sent" {
            recorded.payload = recorded.payload.replacen("\"amount\":\"12\"", "\"amount\":\"11\"", 1);
        }
    };
    let altered = Altered { log: log.clone(), alter, early: before("gift.sent").await };
    assert_found(&found_in(&altered).await, "was sent: 11 by");
}

/// 12 that a team let Ben draw, who gave them back.
async fn drawn() -> Arc<MemoryEventLog> {
    let told = purses().await;
    let ways = [
        Way::named("drawn", WalletOwner::Team(team()), part_of_ben()),
        Way::named("given back", part_of_ben(), WalletOwner::Team(team())),
    ];
    for way in ways {
        way.sent(&told).await;
        way.taken(&told).await;
        way.delivered(&told).await;
    }
    told.ended().await
}

/// 12 that a team let Ben draw, who could not take them.
async fn drawn_in_vain() -> Arc<MemoryEventLog> {
    let told = purses().await;
    let way = Way::named("drawn in vain", WalletOwner::Team(team()), part_of_ben());
    way.sent(&told).await;
    way.refused(&told).await;
    way.returned(&told).await;
    told.ended().await
}

#[tokio::test]
async fn what_is_drawn_is_sent_to_that_allowance_by_the_same_append() {
    let log = drawn().await;
    assert_eq!(found_in(&*log).await, Vec::<String>::new());
    let found = found_said(&log, ("allowance.drawn", 0), "\"amount\":\"12\"", "\"amount\":\"13\"").await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_found(&found, &format!("allowance {} draws 13 for it", allowance().0));
    let found = found_altered(&log, ("gift.sent", 0), |recorded| {
        recorded.payload = recorded.payload.replace(&ben().0.to_string(), &account().0.to_string());
    })
    .await;
    assert_found(&found, &format!("allowance {} draws 12 for it", allowance().0));
}

#[tokio::test]
async fn what_is_given_back_to_an_allowance_came_out_of_it_or_never_got_there() {
    let given_back = ("allowance.given_back", 0);
    for log in [drawn().await, drawn_in_vain().await] {
        assert_eq!(found_in(&*log).await, Vec::<String>::new());
        let found = found_said(&log, given_back, "\"amount\":\"12\"", "\"amount\":\"11\"").await;
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_found(&found, &format!("allowance {} takes back 11 for it", allowance().0));
        let found = found_altered(&log, given_back, |recorded| {
            recorded.payload = "{\"limit_set\":{\"at\":\"2026-11-22T09:00:00Z\"}}".into();
            recorded.event_type = "allowance.limit_set".into();
        })
        .await;
        assert_found(&found, "and nothing in its append takes back that");
    }
}
