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
    Gift, GiftCommand, GiftPart, GiftReceipt, GiftStatus, GiftStep, ReceiptCommand, RefusedGift, SentGift, next_step,
};
use crate::ids::{AllowanceId, GiftId, TeamId};
use crate::team::{Allowance, AllowanceCommand, Team};
use crate::wallet::{CreditWallet, GrantSource, LotKind, WalletCommand, WalletError, WalletOwner};

/// A gift that somebody wants to make.
#[derive(Clone, Debug, PartialEq)]
pub struct NewGift {
    /// Who is to have it: an account, or a team.
    pub to: WalletOwner,
    /// How much.
    pub amount: Credits,
    /// The key under which it may be said again.
    pub idempotency: Option<IdempotencyKey>,
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
    /// Gives credits of the caller's to somebody by name. Errors: those of [`Core::send_gift`]; no such user.
    pub async fn give_credits(
        &self,
        caller: &Caller,
        username: &str,
        amount: Credits,
        idempotency: Option<IdempotencyKey>,
    ) -> Result<(SentGiftView, Confirmed), Refusal> {
        match self.person(username).await {
            Ok(to) => {
                let new = NewGift { to: WalletOwner::Account(to), amount, idempotency };
                self.send_gift(caller, Scope::SocialWrite, new).await
            }
            // What was given stays found, whatever became of the receiver.
            Err(refusal) => self.gift_sent_before(caller, idempotency.as_ref()).await?.ok_or(refusal),
        }
    }

    /// The gift that the same request sent before under the same key. Errors: the key was used for another gift.
    pub(super) async fn gift_sent_before(
        &self,
        caller: &Caller,
        key: Option<&IdempotencyKey>,
    ) -> Result<Option<(SentGiftView, Confirmed)>, Refusal> {
        let Some(key) = key else { return Ok(None) };
        key.check()?;
        let from = caller.account;
        let fingerprint = Some(self.vault.fingerprint(from.0, &key.body).await?);
        let (id, wallet) = (GiftId::keyed(from, &key.method, &key.path, &key.key), from.wallet());
        let request = self
            .request(from.shard(), caller.acting(), from)
            .stream(StreamRef::of::<CreditWallet>(wallet))
            .stream(StreamRef::of::<Gift>(id));
        let found = self.decide(request, move |unit| {
            let gift = unit.state::<Gift>(id);
            let Some(sent) = gift.sent().cloned() else { return Ok(None) };
            if sent.fingerprint != fingerprint {
                return Err(Refusal::IdempotencyReused);
            }
            let available = unit.state::<CreditWallet>(wallet).balance(unit.now()).available;
            Ok(Some(SentGiftView { id, status: gift.status(), sent, replayed: true, available }))
        });
        let (found, confirmed) = found.await?;
        Ok(found.map(|view| (view, confirmed)))
    }

    /// Whether a purse would take a gift now.
    pub(super) async fn can_receive(&self, to: WalletOwner) -> Result<bool, Refusal> {
        let wallet: CreditWallet = self.load(to.wallet()).await?;
        let room = wallet.lots().count() < GIFT_LOTS_MAX;
        let there = match to {
            WalletOwner::Account(account) | WalletOwner::Allowance { member: account, .. } => {
                let account: Account = self.load(account).await?;
                account.user_id().is_some() && !account.is_erased() && account.suspended().is_none()
            }
            WalletOwner::Team(team) => self.load::<Team>(team).await?.live().is_some(),
        };
        Ok(room && there)
    }

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
                    let (purse, fingerprint) = (WalletOwner::Account(from), fingerprint.clone());
                    let sent = SentGift { from: purse, to, by: from, amount, parts: Vec::new(), fingerprint, at };
                    send(unit, id, sent)?;
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
                for GiftPart { kind, amount } in sent.parts.iter().copied() {
                    let source = GrantSource::GiftReturned { gift };
                    let grant = WalletCommand::Grant { kind, amount, priority: 0, expires_at: None, source, at };
                    unit.execute::<CreditWallet>(wallet, grant)?;
                }
                let amount = sent.amount;
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

/// Takes a gift out of its giver's wallet, which says of what it is made up. The decision names the gift's stream and
/// that wallet's.
pub(super) fn send(unit: &mut Unit<'_>, gift: GiftId, sent: SentGift) -> Result<(), Refusal> {
    let (wallet, to, amount, at) = (sent.from.wallet(), sent.to.party(), sent.amount, sent.at);
    let before = unit.state::<CreditWallet>(wallet).balance(at);
    unit.execute::<CreditWallet>(wallet, WalletCommand::Gift { gift, to, amount, at })?;
    let after = unit.state::<CreditWallet>(wallet).balance(at);
    let kinds = [
        (LotKind::Free, before.free, after.free),
        (LotKind::Earned, before.earned, after.earned),
        (LotKind::Paid, before.paid, after.paid),
    ];
    let part = |(kind, before, after): (LotKind, Credits, Credits)| GiftPart { kind, amount: before - after };
    let parts = kinds.into_iter().map(part).filter(|part| part.amount.is_positive()).collect();
    unit.execute::<Gift>(gift, GiftCommand::Send(Box::new(SentGift { parts, ..sent })))?;
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

/// A wallet with so many open lots takes no more gifts: there is room left for what its owner buys, and for what comes
/// back, whatever others send.
const GIFT_LOTS_MAX: usize = CreditWallet::OPEN_LOTS_MAX / 5 * 4;
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
    if unit.state::<CreditWallet>(wallet).lots().count() >= GIFT_LOTS_MAX {
        return Err(RefusedGift::Full);
    }
    let grant = WalletCommand::Grant { kind: LotKind::Earned, amount, priority: 0, expires_at: None, source, at };
    match unit.execute::<CreditWallet>(wallet, grant) {
        Ok(_) => Ok(()),
        Err(WalletError::NotOpen) => Err(RefusedGift::Gone),
        Err(_) => Err(RefusedGift::Full),
    }
}
