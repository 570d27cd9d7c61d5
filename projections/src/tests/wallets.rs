//! Balances and transactions: the books add up at every position.

use chrono::TimeDelta;
use mintmark_domain::Credits;
use mintmark_domain::ids::{AccountId, GiftId, PaymentId, RunId, derived_id};
use mintmark_domain::payment::Reversal;
use mintmark_domain::wallet::{CreditWallet, LotKind, RefundPart, WalletCommand};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rust_decimal::Decimal;

use super::history::{Asked, History};
use super::support::Bench;
use crate::positions::Walk;
use crate::reads::{Order, Paging};
use crate::runner::Applied;
use crate::wallets::{TransactionKind, TransactionStatus, WalletsProjection};

fn whole(amount: u32) -> Credits {
    Credits::whole(amount)
}

/// One random command to one of the accounts, or a step of one of the runs.
async fn something_happens(history: &mut History, random: &mut StdRng, accounts: &[AccountId], runs: &mut Vec<RunId>) {
    let account = accounts[random.random_range(0..accounts.len())];
    let wallet = account.wallet().0;
    let at = history.now();
    match random.random_range(0..14) {
        0 => drop(history.grant(account, random.random_range(1..60), LotKind::Paid, None)),
        1 => {
            let kind = if random.random() { LotKind::Free } else { LotKind::Earned };
            history.grant(
                account,
                random.random_range(1..30),
                kind,
                Some(TimeDelta::minutes(random.random_range(1..90))),
            );
        }
        2..=4 => {
            let asked =
                Asked { price: random.random_range(1..20), outputs: random.random_range(1..4), ..Asked::default() };
            runs.extend(history.request(account, &asked));
        }
        5..=7 if !runs.is_empty() => {
            let run = runs.swap_remove(random.random_range(0..runs.len()));
            history.start(run);
            history.deliver(run, random.random_range(1..4));
        }
        8 if !runs.is_empty() => {
            let run = runs.swap_remove(random.random_range(0..runs.len()));
            history.fail(run, random.random());
        }
        9 => {
            let command = WalletCommand::Adjust { amount: whole(random.random_range(1..9)), reason: "r".into(), at };
            history.act::<CreditWallet>(wallet, command);
        }
        10 => {
            let gift = GiftId(derived_id(history.shard, "g", &[&random.random::<[u8; 8]>()]));
            let to = accounts[0];
            history.act::<CreditWallet>(wallet, WalletCommand::Gift { gift, to: to.into(), amount: whole(2), at });
        }
        11 => {
            let payment = PaymentId(derived_id(history.shard, "p", &[&random.random::<[u8; 8]>()]));
            let amount = whole(random.random_range(1..40));
            history.act::<CreditWallet>(
                wallet,
                WalletCommand::ChargeBack { payment, how: Reversal::Refunded, amount, at },
            );
        }
        12 => {
            let run = RunId(derived_id(history.shard, "old", &[&random.random::<[u8; 8]>()]));
            let parts = vec![
                RefundPart { kind: LotKind::Paid, amount: whole(2) },
                RefundPart { kind: LotKind::Free, amount: whole(1) },
            ];
            history.act::<CreditWallet>(
                wallet,
                WalletCommand::Refund { run, parts, reason: Some("not as described".into()), at },
            );
        }
        13 => {
            if let Some(batch) = history.batch(account, 3, 2, 3) {
                for index in 0..3 {
                    let item = Some(mintmark_domain::run::ItemRef { batch, index });
                    if random.random() {
                        runs.extend(
                            history.request(account, &Asked { price: 2, outputs: 1, item, ..Asked::default() }),
                        );
                    }
                }
            }
        }
        _ => history.pass(TimeDelta::minutes(random.random_range(1..200))),
    }
    history.commit().await;
}

#[tokio::test]
async fn signed_amounts_sum_to_the_balance_at_every_position() {
    for seed in 0..4 {
        let mut history = History::new().await;
        let mut random = StdRng::seed_from_u64(seed);
        let accounts = [history.account("ada").await, history.account("ben").await];
        history.grant(accounts[0], 100, LotKind::Paid, None);
        history.grant(accounts[1], 40, LotKind::Free, Some(TimeDelta::hours(2)));
        let mut runs = Vec::new();
        for _ in 0..60 {
            something_happens(&mut history, &mut random, &accounts, &mut runs).await;
        }
        let bench = Bench::new(&history).await;
        let feed = bench.feed(history.shard);
        // One event at a time: the books are looked at after each.
        while let Applied::Events { end, .. } = bench.step(&WalletsProjection, &feed, 1).await.unwrap() {
            let wrong: Option<(Decimal, Decimal, Decimal, Decimal)> = sqlx::query_as(
                "SELECT w.paid + w.free + w.earned, (SELECT coalesce(sum(t.amount), 0) FROM read_wallets_v2.transactions t
                                                     WHERE t.wallet_id = w.wallet_id),
                        w.held, (SELECT coalesce(sum(h.remaining), 0) FROM read_wallets_v2.wallet_holds h
                                 WHERE h.wallet_id = w.wallet_id)
                 FROM read_wallets_v2.wallets w
                 WHERE w.paid + w.free + w.earned <> (SELECT coalesce(sum(t.amount), 0) FROM read_wallets_v2.transactions t
                                                      WHERE t.wallet_id = w.wallet_id)
                    OR w.held <> (SELECT coalesce(sum(h.remaining), 0) FROM read_wallets_v2.wallet_holds h
                                  WHERE h.wallet_id = w.wallet_id)
                    OR w.held <> (SELECT coalesce(sum(l.held), 0) FROM read_wallets_v2.wallet_lots l
                                  WHERE l.wallet_id = w.wallet_id)",
            )
            .fetch_optional(bench.db.pool())
            .await
            .unwrap();
            assert_eq!(wrong, None, "seed {seed}, position {}", end.position);
        }
        // And what is shown is what is enforced.
        for account in accounts {
            let shown = bench.reads().wallet(account.wallet(), history.now()).await.unwrap().unwrap();
            assert_eq!(shown.balance, history.balance(account.wallet()), "seed {seed}");
        }
    }
}

#[tokio::test]
async fn a_lot_that_is_due_does_not_count_before_its_expiry_is_recorded() {
    let mut history = History::new().await;
    let account = history.account("ada").await;
    history.grant(account, 10, LotKind::Free, Some(TimeDelta::minutes(5)));
    history.grant(account, 3, LotKind::Paid, None);
    history.commit().await;
    history.pass(TimeDelta::hours(1));
    let bench = Bench::new(&history).await;
    bench.catch_up(100).await;
    let shown = bench.reads().wallet(account.wallet(), history.now()).await.unwrap().unwrap();
    assert_eq!(shown.balance.available, whole(3));
    assert_eq!(shown.balance.free, Credits::ZERO);
    assert_eq!(shown.balance, history.balance(account.wallet()));
}

#[tokio::test]
async fn a_spend_goes_from_pending_to_settled_or_released() {
    let mut history = History::new().await;
    let account = history.account("ada").await;
    history.grant(account, 100, LotKind::Paid, None);
    let kept = history.request(account, &Asked { price: 6, outputs: 3, ..Asked::default() }).unwrap();
    let lost = history.request(account, &Asked { price: 9, ..Asked::default() }).unwrap();
    history.commit().await;
    let bench = Bench::new(&history).await;
    bench.catch_up(100).await;
    let reads = bench.reads();
    let spends = Some(TransactionKind::Spend);
    let page = reads.transaction_page(account.wallet(), spends, &Paging::first(20)).await.unwrap();
    assert_eq!(page.total, 2);
    for row in &page.items {
        assert_eq!((row.status, row.amount), (TransactionStatus::Pending, -row.held));
    }
    assert_eq!(page.items[0].run, Some(lost));
    assert_eq!(page.items[0].amount, -whole(9));
    assert_eq!(page.items[0].creations.len(), 2);
    assert_eq!(page.items[0].model.as_deref(), Some("nano-banana-2"));

    history.start(kept);
    history.deliver(kept, 2);
    history.fail(lost, false);
    history.commit().await;
    bench.catch_up(100).await;
    let page = reads.transaction_page(account.wallet(), spends, &Paging::first(20)).await.unwrap();
    let rows: Vec<_> = page.items.iter().map(|row| (row.run, row.status, row.amount)).collect();
    assert_eq!(
        rows,
        [(Some(lost), TransactionStatus::Released, Credits::ZERO), (Some(kept), TransactionStatus::Settled, -whole(4)),]
    );
    assert_eq!(page.items[1].rule.map(mintmark_domain::money::ChargingRule::code), Some("partial_delivery"));
    assert!(reads.open_holds(account.wallet(), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_walk_through_transactions_sees_each_once_while_more_are_written() {
    let mut history = History::new().await;
    let account = history.account("ada").await;
    for _ in 0..25 {
        history.grant(account, 2, LotKind::Paid, None);
        history.commit().await;
    }
    let bench = Bench::new(&history).await;
    bench.catch_up(7).await;
    let reads = bench.reads();
    for order in [Order::Newest, Order::Oldest] {
        let (mut seen, mut pages) = (Vec::new(), Vec::new());
        let mut walk = Walk::default();
        let mut paging = Paging { order, ..Paging::first(4) };
        let before = reads.transaction_page(account.wallet(), None, &Paging::first(1)).await.unwrap().total;
        loop {
            let stretch = reads.transaction_walk(account.wallet(), None, order, &walk, 4).await.unwrap();
            let page = reads.transaction_page(account.wallet(), None, &paging).await.unwrap();
            assert_eq!(page.total, before);
            paging = Paging { page: paging.page + 1, as_of: Some(page.as_of), ..paging };
            pages.extend(page.items.iter().map(|row| row.number));
            seen.extend(stretch.items.iter().map(|(_, row)| row.number));
            history.grant(account, 1, LotKind::Paid, None);
            history.commit().await;
            bench.catch_up(7).await;
            if !stretch.has_more {
                break;
            }
            let (place, _) = stretch.items.last().unwrap();
            walk = Walk::from_token(&stretch.cursor(*place)).unwrap();
        }
        assert_eq!(seen.len() as u64, before, "{order:?}");
        assert_eq!(seen, pages);
        let mut sorted = seen.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), seen.len());
        if order == Order::Newest {
            sorted.reverse();
        }
        assert_eq!(sorted, seen);
    }
}

#[tokio::test]
async fn what_the_operator_grants_is_listed_by_its_kind() {
    let mut history = History::new().await;
    let account = history.account("ada").await;
    for kind in [LotKind::Paid, LotKind::Free, LotKind::Earned] {
        let source = mintmark_domain::wallet::GrantSource::Operator { reason: "goodwill".into(), payment: None };
        let (amount, at) = (whole(5), history.now());
        let grant = WalletCommand::Grant { kind, amount, priority: 0, expires_at: None, source, at };
        assert!(history.act::<CreditWallet>(account.wallet().0, grant));
    }
    history.commit().await;
    let bench = Bench::new(&history).await;
    bench.catch_up(100).await;
    let page = bench.reads().transaction_page(account.wallet(), None, &Paging::first(9)).await.unwrap();
    let kinds: Vec<_> = page.items.iter().map(|row| row.kind).collect();
    assert_eq!(kinds, [TransactionKind::Adjustment, TransactionKind::Adjustment, TransactionKind::Purchase]);
    assert_eq!(page.items[0].detail.as_deref(), Some("goodwill"));
}
