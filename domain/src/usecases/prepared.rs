//! A run that was judged, priced and sealed: what its acceptance writes down, in one append.

use super::authenticate::Caller;
use super::core::Core;
use super::refusal::Refusal;
use super::submission::SubmitPlan;
use crate::Credits;
use crate::account::{Account, ActsWith, Scope};
use crate::creation::{Creation, CreationCommand, License, OpenedCreation, Privacy};
use crate::es::DecisionRequest;
use crate::es::{SealedText, StreamRef, Unit};
use crate::ids::RunId;
use crate::run::{RequestedRun, Run, RunCommand};
use crate::wallet::{CreditWallet, HeldFor, WalletCommand, WalletOwner};
use uuid::Uuid;

/// Everything about a run that is known before its decision.
#[derive(Clone)]
pub(super) struct Prepared {
    pub run_id: RunId,
    pub template: RequestedRun,
    /// The inputs.
    pub sealed: SealedText,
    pub user_id: u64,
    pub privacy: Privacy,
    pub scope: Scope,
}

impl Prepared {
    pub(super) fn streams(&self, core: &Core, caller: &Caller) -> DecisionRequest {
        let request = core
            .request(self.run_id.shard(), caller.acting(), caller.account)
            .stream(StreamRef::of::<Account>(caller.account))
            .stream(StreamRef::of::<CreditWallet>(self.template.payer.wallet))
            .stream(StreamRef::of::<Run>(self.run_id))
            .carrying(self.sealed.ciphertext.len());
        self.template
            .creations
            .iter()
            .fold(request, |request, creation| request.stream(StreamRef::of::<Creation>(Uuid::from(creation.id))))
    }

    pub(super) fn decide(
        &self,
        unit: &mut Unit<'_>,
        by: &ActsWith,
        plan: Option<SubmitPlan>,
    ) -> Result<(Run, bool, Credits), Refusal> {
        let wallet = self.template.payer.wallet;
        let at = unit.now();
        if let Some(known) = unit.state::<Run>(self.run_id).requested() {
            if known.fingerprint != self.template.fingerprint {
                return Err(Refusal::IdempotencyReused);
            }
            let available = unit.state::<CreditWallet>(wallet).balance(at).available;
            return Ok((unit.state::<Run>(self.run_id).clone(), true, available));
        }
        unit.state::<Account>(self.template.account).authorize(by, self.scope)?;
        if let Some(team) = self.template.payer.team {
            // The member's part of a team's wallet is there from its first use on.
            let owner = WalletOwner::Allowance { team, member: self.template.account };
            unit.execute::<CreditWallet>(wallet, WalletCommand::Open { owner })?;
        }
        let held_for = HeldFor::Run(self.run_id);
        let amount = self.template.quote.amount;
        unit.execute::<CreditWallet>(wallet, WalletCommand::Hold { held_for, amount, at })?;
        self.open(unit, plan)?;
        let available = unit.state::<CreditWallet>(wallet).balance(at).available;
        Ok((unit.state::<Run>(self.run_id).clone(), false, available))
    }

    /// Run and creations; the hold is there already.
    pub(super) fn open(&self, unit: &mut Unit<'_>, plan: Option<SubmitPlan>) -> Result<(), Refusal> {
        let at = unit.now();
        let requested = RequestedRun { at, ..self.template.clone() };
        for (index, creation) in (0..).zip(&requested.creations) {
            let opened = OpenedCreation {
                number: creation.number,
                account: requested.account,
                user_id: self.user_id,
                run: self.run_id,
                index,
                team: requested.team,
                generator: requested.generator.clone(),
                model: requested.parameters.model.clone(),
                media_type: requested.parameters.media_type,
                inputs: requested.inputs,
                privacy: self.privacy,
                license: License::default(),
                at,
            };
            unit.execute::<Creation>(Uuid::from(creation.id), CreationCommand::Open(Box::new(opened)))?;
        }
        unit.execute::<Run>(self.run_id, RunCommand::Request(Box::new(requested)))?;
        if let Some(plan) = plan {
            unit.execute::<Run>(self.run_id, plan.command(self.run_id, 1, at))?;
        }
        unit.seal(self.sealed.clone());
        Ok(())
    }
}
