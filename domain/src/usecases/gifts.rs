//! Gifts: credits handed from one wallet to another. The first step answers the giver; whatever is due after
//! it is carried out by [`Core::carry_gift`], by whoever comes to it first, as often as it takes. What a team
//! lets its members spend travels the same way.

use super::accept_run::IdempotencyKey;
use super::authenticate::Caller;
use super::core::Core;
use super::people::Permit;
use super::refusal::Refusal;
use crate::Credits;
use crate::account::{Account, Scope};
use crate::es::{Acting, Confirmed, StreamRef, Unit};
use crate::gift::{
    Gift, GiftCommand, GiftReceipt, GiftStatus, GiftStep, ReceiptCommand, RefusedGift, SentGift, next_step,
};
use crate::ids::{AllowanceId, GiftId, SealedId, TeamId};
use crate::team::{Allowance, AllowanceCommand, Team};
use crate::wallet::{CreditWallet, GrantSource, LotKind, WalletCommand, WalletError, WalletOwner};

/// A gift that somebody wants to make.
#[derive(Clone, Debug, PartialEq)]
pub struct NewGift {
    /// Who is to have it: an account, or a team.
    pub to: WalletOwner,
    /// How much.
    pub amount: Credits,
    /// A few words: at most [`NewGift::MESSAGE_CHARS_MAX`] characters.
    pub message: Option<String>,
    /// The key under which it may be said again.
    pub idempotency: Option<IdempotencyKey>,
}

impl NewGift {
    /// How many characters a message has at most.
    pub const MESSAGE_CHARS_MAX: usize = 500;
}

/// A gift that was sent, now or before.
#[derive(Clone, Debug, PartialEq)]
pub struct SentGiftView {
    /// Which.
    pub id: GiftId,
    /// Where it stands.
    pub status: GiftStatus,
    /// The gift.
    pub sent: SentGift,
    /// Whether the same request had sent it before.
    pub replayed: bool,
    /// What the giver can still spend.
    pub available: Credits,
}

impl Core {
    /// Sends credits of the caller's to somebody. They leave the wallet at once, and come back where the
    /// receiver cannot have them. Errors: too little to give; oneself; the key was used for another gift.
    pub async fn send_gift(
        &self,
        caller: &Caller,
        scope: Scope,
        new: NewGift,
    ) -> Result<(SentGiftView, Confirmed), Refusal> {
        let from = caller.account;
        let shard = from.shard();
        let (id, fingerprint) = match &new.idempotency {
            Some(key) => {
                key.check()?;
                let fingerprint = self.vault.fingerprint(from.0, &key.body).await?;
                (GiftId::keyed(from, &key.method, &key.path, &key.key), Some(fingerprint))
            }
            None => (GiftId(self.new_id(shard)), None),
        };
        let message = match new.message.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            None => None,
            Some(text) if text.chars().count() > NewGift::MESSAGE_CHARS_MAX || text.contains('\0') => {
                let allowed = format!("must have at most {} characters", NewGift::MESSAGE_CHARS_MAX);
                return Err(Refusal::field("message", allowed));
            }
            Some(text) => Some(self.vault.seal(from.0, SealedId(self.new_id(shard)), text.as_bytes()).await?),
        };
        let wallet = from.wallet();
        let request = self
            .request(shard, caller.acting(), from)
            .stream(StreamRef::of::<CreditWallet>(wallet))
            .stream(StreamRef::of::<Gift>(id));
        let (request, permit): (_, Permit) = self.permitted(caller, scope, request).await?;
        let (to, amount) = (new.to, new.amount);
        self.decide(request, move |unit| {
            let at = unit.now();
            let replayed = match unit.state::<Gift>(id).sent() {
                Some(known) if known.fingerprint != fingerprint => return Err(Refusal::IdempotencyReused),
                Some(_) => true,
                None => {
                    permit.ask(unit)?;
                    let sealed = message.as_ref().map(|message| message.id);
                    let (purse, fingerprint) = (WalletOwner::Account(from), fingerprint.clone());
                    let sent = SentGift { from: purse, to, by: from, amount, message: sealed, fingerprint, at };
                    send(unit, id, sent)?;
                    message.iter().for_each(|message| unit.seal(message.clone()));
                    false
                }
            };
            let gift = unit.state::<Gift>(id);
            let sent = gift.sent().cloned().ok_or(Refusal::NotFound("gift"))?;
            let available = unit.state::<CreditWallet>(wallet).balance(at).available;
            Ok(SentGiftView { id, status: gift.status(), sent, replayed, available })
        })
        .await
    }

    /// Carries a gift on until nothing is due. Each step is one append and happens once, however many carry
    /// the gift at once, and wherever one of them stops. Returns where it stands.
    pub async fn carry_gift(&self, id: GiftId) -> Result<GiftStatus, Refusal> {
        loop {
            let gift = self.load::<Gift>(id).await?;
            let Some(sent) = gift.sent().cloned() else { return Err(Refusal::NotFound("gift")) };
            let receipt = self.load::<GiftReceipt>(id.receipt(sent.to.wallet())).await?;
            match next_step(&gift, &receipt) {
                None => return Ok(gift.status()),
                Some(GiftStep::Hand) => self.hand_gift(id, sent).await?,
                Some(GiftStep::Settle) => self.end_gift(id, sent, None).await?,
                Some(GiftStep::Return(why)) => self.end_gift(id, sent, Some(why)).await?,
            }
        }
    }

    /// The receiver's side: takes it, or says why not.
    async fn hand_gift(&self, gift: GiftId, sent: SentGift) -> Result<(), Refusal> {
        let SentGift { from, to, amount, .. } = sent;
        let (receipt, wallet) = (gift.receipt(to.wallet()), to.wallet());
        let request = self
            .request(wallet.shard(), carrier(gift), wallet)
            .stream(StreamRef::of::<CreditWallet>(wallet))
            .stream(StreamRef::of::<GiftReceipt>(receipt));
        let request = match to {
            WalletOwner::Account(account) | WalletOwner::Allowance { member: account, .. } => {
                request.stream(StreamRef::of::<Account>(account))
            }
            WalletOwner::Team(team) => request.stream(StreamRef::of::<Team>(team)),
        };
        let back = given_back(from, to);
        let request = back.into_iter().fold(request, |request, id| request.stream(StreamRef::of::<Allowance>(id)));
        self.decide(request, move |unit| {
            let at = unit.now();
            if unit.state::<GiftReceipt>(receipt).outcome().is_some() {
                return Ok(());
            }
            let source = GrantSource::Gift { gift, from: from.party() };
            let taken = receivable(unit, to).and_then(|()| grant(unit, to, amount, source));
            if let (Ok(()), Some(allowance)) = (&taken, back) {
                unit.execute::<Allowance>(allowance, AllowanceCommand::GiveBack { gift, amount, at })?;
            }
            let command = match taken {
                Ok(()) => ReceiptCommand::Take { gift, from, to, amount, at },
                Err(why) => ReceiptCommand::Refuse { gift, why, at },
            };
            unit.execute::<GiftReceipt>(receipt, command)?;
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// The giver's side: notes that it was taken, or has the credits back.
    async fn end_gift(&self, gift: GiftId, sent: SentGift, why: Option<RefusedGift>) -> Result<(), Refusal> {
        let wallet = sent.from.wallet();
        let request = self
            .request(wallet.shard(), carrier(gift), wallet)
            .stream(StreamRef::of::<CreditWallet>(wallet))
            .stream(StreamRef::of::<Gift>(gift));
        // What a member could not take was not drawn.
        let back = given_back(sent.to, sent.from);
        let request = back.into_iter().fold(request, |request, id| request.stream(StreamRef::of::<Allowance>(id)));
        self.decide(request, move |unit| {
            let at = unit.now();
            let command = match why {
                None => GiftCommand::Deliver { at },
                Some(why) => GiftCommand::Return { why, at },
            };
            if unit.execute::<Gift>(gift, command)? > 0 && why.is_some() {
                let source = GrantSource::GiftReturned { gift };
                let (kind, amount) = (LotKind::Earned, sent.amount);
                let grant = WalletCommand::Grant { kind, amount, priority: 0, expires_at: None, source, at };
                unit.execute::<CreditWallet>(wallet, grant)?;
                if let Some(allowance) = back {
                    unit.execute::<Allowance>(allowance, AllowanceCommand::GiveBack { gift, amount, at })?;
                }
            }
            Ok(())
        })
        .await?;
        Ok(())
    }
}

/// Takes a gift out of its giver's wallet. The decision names the gift's stream and that wallet's.
pub(super) fn send(unit: &mut Unit<'_>, gift: GiftId, sent: SentGift) -> Result<(), Refusal> {
    let (wallet, to, amount, at) = (sent.from.wallet(), sent.to.party(), sent.amount, sent.at);
    unit.execute::<Gift>(gift, GiftCommand::Send(Box::new(sent)))?;
    unit.execute::<CreditWallet>(wallet, WalletCommand::Gift { gift, to, amount, at })?;
    Ok(())
}

/// The allowance that credits which go from one purse to the other are given back to, if they are.
fn given_back(from: WalletOwner, to: WalletOwner) -> Option<AllowanceId> {
    match (from, to) {
        (WalletOwner::Allowance { team, member }, WalletOwner::Team(into)) if team == into => {
            Some(AllowanceId::of(team, member))
        }
        _ => None,
    }
}

/// Who is said to act where a gift is carried on.
pub const GIFT_CARRIER: &str = "gifts";

fn carrier(gift: GiftId) -> Acting {
    Acting { actor: GIFT_CARRIER.into(), correlation_id: gift.to_string(), ..Acting::default() }
}

/// Whether a purse may receive anything.
fn receivable(unit: &Unit<'_>, to: WalletOwner) -> Result<(), RefusedGift> {
    let team_there = |team: TeamId| unit.state::<Team>(team).live().map(|_| ()).ok_or(RefusedGift::Gone);
    let account = match to {
        WalletOwner::Team(team) => return team_there(team),
        WalletOwner::Account(account) | WalletOwner::Allowance { member: account, .. } => account,
    };
    let account = unit.state::<Account>(account);
    if account.user_id().is_none() || account.is_erased() {
        return Err(RefusedGift::Gone);
    }
    if account.suspended().is_some() {
        return Err(RefusedGift::Suspended);
    }
    Ok(())
}

/// Grants what was given. A wallet that has as many lots as it may takes nothing more. Teams and allowances
/// have a wallet from their first credits on.
fn grant(unit: &mut Unit<'_>, to: WalletOwner, amount: Credits, source: GrantSource) -> Result<(), RefusedGift> {
    let at = unit.now();
    let wallet = to.wallet();
    if !matches!(to, WalletOwner::Account(_)) {
        let opened = unit.execute::<CreditWallet>(wallet, WalletCommand::Open { owner: to });
        opened.map_err(|_| RefusedGift::Gone)?;
    }
    let grant = WalletCommand::Grant { kind: LotKind::Earned, amount, priority: 0, expires_at: None, source, at };
    match unit.execute::<CreditWallet>(wallet, grant) {
        Ok(_) => Ok(()),
        Err(WalletError::NotOpen) => Err(RefusedGift::Gone),
        Err(_) => Err(RefusedGift::Full),
    }
}
