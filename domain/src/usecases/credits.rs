//! Credits: the balance, grants, bonuses, refunds.

use chrono::Datelike;

use super::authenticate::Caller;
use super::core::Core;
use super::refusal::Refusal;
use crate::bonus::{Bonus, BonusCommand};
use crate::es::{Acting, Confirmed, Position, StreamRef};
use crate::ids::{AccountId, BonusId, PaymentId, RunId};
use crate::payment::{Payment, PaymentCommand, ReceivedPayment};
use crate::run::{Run, RunCommand};
use crate::wallet::{Balance, BonusKind, CreditWallet, GrantSource, LotKind, RefundPart, WalletCommand};
use crate::{Credits, Timestamp};

/// A wallet as enforced and as shown: both come from this fold.
#[derive(Clone, Debug, PartialEq)]
pub struct WalletView {
    /// The balance now.
    pub balance: Balance,
    /// The ceiling up to which free credits are refilled.
    pub max: Credits,
    /// The wallet itself, with lots and holds.
    pub wallet: CreditWallet,
    /// The shard's end at which it was read.
    pub as_of: Position,
}

/// Credits that the operator grants.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// To whom.
    pub account: AccountId,
    /// How much.
    pub amount: Credits,
    /// As what.
    pub kind: LotKind,
    /// Why.
    pub reason: String,
    /// Said again with the same reference it is the same grant; a new one if absent.
    pub reference: Option<String>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
}

/// What a grant came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Granted {
    /// The payment it was recorded as.
    pub payment: PaymentId,
    /// Whether the same reference had granted as much before: then nothing changed, whatever the kind.
    pub replayed: bool,
    /// The balance after.
    pub balance: Balance,
    /// Where it was confirmed.
    pub confirmed: Confirmed,
}

pub(super) fn operator(what: &str) -> Acting {
    Acting {
        actor: "operator".into(),
        correlation_id: what.to_owned(),
        causation_id: what.to_owned(),
        traceparent: String::new(),
    }
}

impl Core {
    /// The account's own wallet at the shard's confirmed end.
    pub async fn wallet_view(&self, caller: &Caller) -> Result<WalletView, Refusal> {
        let (wallet, as_of) = self.load_at::<CreditWallet>(caller.account.wallet()).await?;
        let max = self.bonuses_of(caller.account, caller.tier).max;
        Ok(WalletView { balance: wallet.balance(self.now()), max, wallet, as_of })
    }

    /// How many events the account's own wallet has: where live data go on from.
    pub async fn wallet_sequence(&self, caller: &Caller) -> Result<u64, Refusal> {
        let wallet = caller.account.wallet();
        let loaded = self.decider.load(wallet.shard(), vec![StreamRef::of::<CreditWallet>(wallet)]).await?;
        Ok(loaded.first().map_or(0, |loaded| loaded.sequence))
    }

    /// The balance of an account's own wallet now.
    pub async fn balance_of(&self, account: AccountId) -> Result<Balance, Refusal> {
        let wallet: CreditWallet = self.load(account.wallet()).await?;
        Ok(wallet.balance(self.now()))
    }

    /// Grants credits by the operator's hand, once for a reference.
    pub async fn grant_credits(&self, grant: Grant) -> Result<Granted, Refusal> {
        let wallet = grant.account.wallet();
        let payment = match &grant.reference {
            Some(reference) => PaymentId::external(wallet, "operator", reference),
            None => PaymentId(self.new_id(wallet.shard())),
        };
        let request = self
            .request(wallet.shard(), operator(&payment.to_string()), grant.account)
            .stream(StreamRef::of::<CreditWallet>(wallet))
            .stream(StreamRef::of::<Payment>(payment));
        let ((replayed, balance), confirmed) = self
            .decide(request, move |unit| {
                let at = unit.now();
                let received = ReceivedPayment::granted(wallet, grant.amount, grant.reference.clone());
                let receive = PaymentCommand::Receive { received, at };
                let replayed = unit.execute::<Payment>(payment, receive)? == 0;
                if !replayed {
                    let source = GrantSource::Operator { reason: grant.reason.clone(), payment: Some(payment) };
                    let (kind, amount, expires_at) = (grant.kind, grant.amount, grant.expires_at);
                    unit.execute::<CreditWallet>(
                        wallet,
                        WalletCommand::Grant { kind, amount, priority: 0, expires_at, source, at },
                    )?;
                }
                Ok((replayed, unit.state::<CreditWallet>(wallet).balance(at)))
            })
            .await?;
        Ok(Granted { payment, replayed, balance, confirmed })
    }

    /// Claims the bonuses that the caller's first call of a period brings. Yields nothing to say
    /// where none are set or all were claimed. A bonus never lifts free credits above the ceiling.
    pub async fn claim_bonuses(&self, caller: &Caller) -> Result<Option<Confirmed>, Refusal> {
        let amounts = self.bonuses_of(caller.account, caller.tier);
        let today = self.now().date_naive();
        let week = today.iso_week();
        let due = [
            (BonusKind::Signup, String::new(), amounts.signup),
            (BonusKind::Daily, today.to_string(), amounts.daily),
            (BonusKind::Weekly, format!("{:04}-W{:02}", week.year(), week.week()), amounts.weekly),
        ];
        let due: Vec<_> = due.into_iter().filter(|(_, _, amount)| amount.is_positive()).collect();
        if due.is_empty() {
            return Ok(None);
        }
        let wallet = caller.account.wallet();
        let account = caller.account;
        let mut request =
            self.request(wallet.shard(), caller.acting(), account).stream(StreamRef::of::<CreditWallet>(wallet));
        for (kind, _, _) in &due {
            request = request.stream(StreamRef::of::<Bonus>(BonusId::for_kind(account, kind.as_str())));
        }
        let max = amounts.max;
        let (claimed, confirmed) = self
            .decide(request, move |unit| {
                let mut claimed = 0;
                for (kind, period, amount) in &due {
                    claimed += claim(unit, account, (*kind, period), *amount, max)?;
                }
                Ok(claimed)
            })
            .await?;
        Ok((claimed > 0).then_some(confirmed))
    }

    /// Gives back some of what a run's capture took, into new lots of the kinds that had paid, once
    /// for a reference.
    pub async fn refund_run(
        &self,
        run_id: RunId,
        amount: Credits,
        by: String,
        reason: String,
        reference: String,
    ) -> Result<(Balance, Confirmed), Refusal> {
        let requested = self.run_state(run_id).await?.requested().cloned().ok_or(Refusal::NotFound("run"))?;
        let wallet = requested.payer.wallet;
        let request = self
            .request(run_id.shard(), operator(&run_id.to_string()), requested.account)
            .stream(StreamRef::of::<Run>(run_id))
            .stream(StreamRef::of::<CreditWallet>(wallet));
        self.decide(request, move |unit| {
            let at = unit.now();
            let run = unit.state::<Run>(run_id);
            // Where this is more than is left the run refuses, unless the reference was carried out before.
            let parts = run.refund_parts(amount).unwrap_or_default();
            let refund = RunCommand::Refund {
                amount,
                parts: parts.clone(),
                by: by.clone(),
                reason: reason.clone(),
                reference: reference.clone(),
                at,
            };
            if unit.execute::<Run>(run_id, refund)? > 0 {
                let parts = parts.iter().map(|part| RefundPart { kind: part.kind, amount: part.amount }).collect();
                let reason = Some(reason.clone());
                unit.execute::<CreditWallet>(wallet, WalletCommand::Refund { run: run_id, parts, reason, at })?;
            }
            Ok(unit.state::<CreditWallet>(wallet).balance(at))
        })
        .await
    }
}

/// Claims one bonus, if neither it nor a later one was claimed; the wallet gets what fits under the ceiling.
fn claim(
    unit: &mut crate::es::Unit<'_>,
    account: AccountId,
    (kind, period): (BonusKind, &str),
    amount: Credits,
    max: Credits,
) -> Result<usize, Refusal> {
    let stream = BonusId::for_kind(account, kind.as_str());
    let bonus = BonusId::for_period(account, kind.as_str(), period);
    let wallet = account.wallet();
    let at = unit.now();
    // A period that is past, by the log and not by this process's clock, is not the caller's mistake.
    if unit.state::<Bonus>(stream).is_past(period) {
        return Ok(0);
    }
    // What is held comes back where nothing is delivered: it has its place under the ceiling.
    let lots = unit.state::<CreditWallet>(wallet).lots();
    let free = lots.filter(|(_, lot)| lot.kind == LotKind::Free && !lot.is_due(at));
    let there: Credits = free.map(|(_, lot)| lot.available + lot.held).sum();
    let room = max.saturating_sub(there);
    let credits = amount.min(room);
    let period = period.to_owned();
    let command = BonusCommand::Claim { wallet, kind, period: period.clone(), credits, at };
    let claimed = unit.execute::<Bonus>(stream, command)?;
    if credits.is_positive() {
        let source = GrantSource::Bonus { bonus, kind, period };
        let grant =
            WalletCommand::Grant { kind: LotKind::Free, amount: credits, priority: 0, expires_at: None, source, at };
        unit.execute::<CreditWallet>(wallet, grant)?;
    }
    Ok(claimed)
}
