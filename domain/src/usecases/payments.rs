//! What a payment processor or the operator says of payments: received, refunded, charged back. Each is one
//! append over the payment and the wallet that it fills.

use rust_decimal::Decimal;

use super::core::Core;
use super::credits::operator;
use super::refusal::Refusal;
use crate::Credits;
use crate::account::Account;
use crate::es::{Acting, Confirmed, StreamRef};
use crate::ids::{AccountId, PaymentId, WalletId};
use crate::payment::{Payment, PaymentCommand, PaymentError, ReceivedPayment, Reversal, ReversedPayment};
use crate::ports::{ClaimKind, ClaimRequest, DirectoryError};
use crate::wallet::{Balance, CreditWallet, GrantSource, LotKind, WalletCommand};

/// What a payment processor says of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentNotice {
    /// The processor's id of the payment: 1 to [`PaymentNotice::ID_CHARS_MAX`] printable characters. What is
    /// said of one payment names the same.
    pub id: String,
    /// What happened to it.
    pub what: Happened,
    /// Whose wallet it fills.
    pub account: AccountId,
    /// How many credits it brought, or how many are taken back.
    pub credits: Credits,
    /// What was paid, or paid back; at most [`PaymentNotice::MONEY_PLACES_MAX`] places.
    pub amount: Decimal,
    /// In which currency: three letters (ISO 4217).
    pub currency: String,
}

/// What happened to a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It was received.
    Paid,
    /// Some of it was taken back.
    Reversed {
        /// How.
        how: Reversal,
        /// The processor's id of that act, where a payment may be taken back in several: 1 to
        /// [`PaymentNotice::ID_CHARS_MAX`] printable characters.
        reference: Option<String>,
    },
}

/// A notice that was taken, now or before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotedPayment {
    /// The payment.
    pub payment: PaymentId,
    /// Whether the same had been said before: then nothing changed.
    pub replayed: bool,
    /// Where it was confirmed.
    pub confirmed: Confirmed,
}

impl PaymentNotice {
    /// How many characters an id of the processor's has at most.
    pub const ID_CHARS_MAX: usize = 255;
    /// How many decimal places an amount of money has at most.
    pub const MONEY_PLACES_MAX: u32 = 6;
    /// What payments of this kind say of their source.
    pub const SOURCE: &'static str = "processor";

    /// The notice with its money written in one way, or the field that is wrong.
    fn checked(mut self) -> Result<Self, Refusal> {
        let is_id = |text: &str| {
            (1..=Self::ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
        };
        let printable = || format!("must have 1 to {} printable ASCII characters", Self::ID_CHARS_MAX);
        if !is_id(&self.id) {
            return Err(Refusal::field("id", printable()));
        }
        if let Happened::Reversed { reference: Some(reference), .. } = &self.what
            && !is_id(reference)
        {
            return Err(Refusal::field("reference", printable()));
        }
        if !self.credits.is_positive() {
            return Err(Refusal::field("credits", "must be more than 0"));
        }
        self.amount = self.amount.normalize();
        // An amount is kept, never reckoned with; the bound is that of credits.
        let in_range = (Decimal::ZERO..=Credits::MAX.value()).contains(&self.amount);
        if !in_range || self.amount.scale() > Self::MONEY_PLACES_MAX {
            let (max, places) = (Credits::MAX, Self::MONEY_PLACES_MAX);
            return Err(Refusal::field("amount", format!("must be 0 to {max}, with at most {places} decimal places")));
        }
        if self.currency.len() != 3 || !self.currency.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(Refusal::field("currency", "must be three letters (ISO 4217), such as EUR"));
        }
        self.currency.make_ascii_uppercase();
        Ok(self)
    }
}

impl Core {
    /// Takes a processor's notice, once: said again with the same content it changes nothing. Errors: a field is
    /// wrong; no such account; the payment, or the act, was told with other content; what is taken back was
    /// never received, or more than is left of it.
    pub async fn note_payment(&self, notice: PaymentNotice, request_id: &str) -> Result<NotedPayment, Refusal> {
        let notice = notice.checked()?;
        let shard = notice.account.shard();
        if !self.settings.shards.contains(&shard) {
            return Err(Refusal::NotFound("account"));
        }
        let payment = PaymentId::of_processor(shard, &notice.id);
        let acting = Acting {
            actor: PaymentNotice::SOURCE.to_owned(),
            correlation_id: request_id.to_owned(),
            causation_id: request_id.to_owned(),
            traceparent: String::new(),
        };
        let wallet = notice.account.wallet();
        let (replayed, confirmed) = match notice.what.clone() {
            Happened::Paid => self.receive(payment, notice, acting).await?,
            Happened::Reversed { how, reference } => {
                let reversed = ReversedPayment {
                    credits: notice.credits,
                    how,
                    // No act that has a name is called so.
                    reference: reference.unwrap_or_default(),
                    paid_back: Some(notice.amount.to_string()),
                    currency: Some(notice.currency),
                };
                let ((replayed, _), confirmed) = self.reverse(payment, wallet, reversed, acting).await?;
                (replayed, confirmed)
            }
        };
        Ok(NotedPayment { payment, replayed, confirmed })
    }

    /// The payment and its lot, in one append. Returns whether it had been received before.
    async fn receive(
        &self,
        payment: PaymentId,
        notice: PaymentNotice,
        acting: Acting,
    ) -> Result<(bool, Confirmed), Refusal> {
        let (account, amount) = (notice.account, notice.credits);
        let wallet = account.wallet();
        if self.load::<CreditWallet>(wallet).await?.owner().is_none() {
            return Err(Refusal::NotFound("account"));
        }
        // An account of another shard has another stream for the same id; only the directory sees both. What
        // is claimed is not given back on a refusal: the same may be under way elsewhere. The sweep asks the log.
        match self.directory.claim(&ClaimRequest::new(ClaimKind::Payment, notice.id.as_bytes(), wallet)).await {
            Err(DirectoryError::Taken) => return Err(PaymentError::OtherPayment.into()),
            claimed => claimed?,
        }
        let received = ReceivedPayment {
            wallet,
            credits: amount,
            source: PaymentNotice::SOURCE.to_owned(),
            reference: Some(notice.id.clone()),
            paid: Some(notice.amount.to_string()),
            currency: Some(notice.currency),
        };
        let request = self
            .request(wallet.shard(), acting, account)
            .stream(StreamRef::of::<Account>(account))
            .stream(StreamRef::of::<CreditWallet>(wallet))
            .stream(StreamRef::of::<Payment>(payment));
        let (replayed, confirmed) = self
            .decide(request, move |unit| {
                let at = unit.now();
                let receive = PaymentCommand::Receive { received: received.clone(), at };
                if unit.execute::<Payment>(payment, receive)? == 0 {
                    return Ok(true);
                }
                // Whoever is suspended has paid all the same; whoever is erased can never spend it.
                if unit.state::<Account>(account).is_erased() {
                    return Err(Refusal::NotFound("account"));
                }
                let (kind, source) = (LotKind::Paid, GrantSource::Purchase { payment });
                let grant = WalletCommand::Grant { kind, amount, priority: 0, expires_at: None, source, at };
                unit.execute::<CreditWallet>(wallet, grant)?;
                Ok(false)
            })
            .await?;
        // If this fails the sweep finds the event in the log.
        let _ = self.directory.confirm(ClaimKind::Payment, notice.id.as_bytes(), wallet.0).await;
        Ok((replayed, confirmed))
    }

    /// Takes back what a payment bought, from the wallet that it filled; what was spent or is held is owed, and
    /// whatever comes in or comes back pays that first. Returns whether that had been done before.
    async fn reverse(
        &self,
        payment: PaymentId,
        wallet: WalletId,
        reversed: ReversedPayment,
        acting: Acting,
    ) -> Result<((bool, Balance), Confirmed), Refusal> {
        let request = self
            .request(wallet.shard(), acting, wallet)
            .stream(StreamRef::of::<Payment>(payment))
            .stream(StreamRef::of::<CreditWallet>(wallet));
        self.decide(request, move |unit| {
            let at = unit.now();
            if unit.state::<Payment>(payment).wallet().is_some_and(|filled| filled != wallet) {
                return Err(PaymentError::OtherPayment.into());
            }
            let (how, amount) = (reversed.how, reversed.credits);
            let command = PaymentCommand::Reverse { reversed: reversed.clone(), at };
            let replayed = unit.execute::<Payment>(payment, command)? == 0;
            if !replayed {
                unit.execute::<CreditWallet>(wallet, WalletCommand::ChargeBack { payment, how, amount, at })?;
            }
            Ok((replayed, unit.state::<CreditWallet>(wallet).balance(at)))
        })
        .await
    }

    /// A chargeback by the operator's hand, of a payment or grant. Said again with the same reference it
    /// changes nothing.
    pub async fn charge_back(
        &self,
        payment: PaymentId,
        amount: Credits,
        reference: String,
    ) -> Result<(Balance, Confirmed), Refusal> {
        let known: Payment = self.load(payment).await?;
        let wallet = known.wallet().ok_or(Refusal::NotFound("payment"))?;
        let how = Reversal::Chargeback;
        let reversed = ReversedPayment { credits: amount, how, reference, paid_back: None, currency: None };
        let ((_, balance), confirmed) = self.reverse(payment, wallet, reversed, operator(&payment.to_string())).await?;
        Ok((balance, confirmed))
    }

    /// A payment by our id or the processor's, on confirmed state. Errors: there is none.
    pub async fn payment(&self, named: &str) -> Result<(PaymentId, Payment), Refusal> {
        let nothing = || Refusal::NotFound("payment");
        let claimed = self.directory.find(ClaimKind::Payment, named.as_bytes()).await?;
        let id = match claimed {
            Some(claim) => PaymentId::of_processor(claim.shard(), named),
            None => named.parse().map_err(|_| nothing())?,
        };
        if !self.settings.shards.contains(&id.shard()) {
            return Err(nothing());
        }
        let payment: Payment = self.load(id).await?;
        if payment.wallet().is_some() { Ok((id, payment)) } else { Err(nothing()) }
    }
}
