//! Judging a request whole: what it mentions, whose voice it takes, how long the media are that it is
//! priced by, what it costs.

use rust_decimal::Decimal;

use super::accept_run::{Judged, Wanted, WorkflowRef};
use super::core::Core;
use super::refusal::Refusal;
use crate::account::Account;
use crate::catalog::{Ask, AskField, AskProblem, AskReason, Capability, SyncMode};
use crate::ids::AccountId;
use crate::money::PriceProblem;
use crate::ports::{InputRole, InputWanted};
use crate::run::Inputs;
use crate::wallet::CreditWallet;

/// The most bytes of a medium that is priced by its length (decision 7).
pub const MEASURED_BYTES_MAX: u64 = 500_000_000;

/// Whether media may be fetched to find out how long they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measuring {
    /// They may.
    Allowed,
    /// What is priced by length is refused as such.
    NotYet,
}

impl Core {
    /// Judges and prices a request of `account`'s, and completes it by what only the account and the
    /// outside know. Nothing is held; a refusal leaves no trace. Said again it comes to the same. Addresses
    /// are the caller's to check, but for those of files that are measured.
    pub(super) async fn judged(
        &self,
        account: AccountId,
        wanted: Wanted<'_>,
        ask: &mut Ask,
        inputs: &mut Inputs,
        workflow: Option<&WorkflowRef>,
        measuring: Measuring,
    ) -> Result<Judged, Refusal> {
        self.complete_mentions(account, ask, inputs).await?;
        let judged = match self.judge(wanted, ask, workflow, self.now()) {
            Err(Refusal::Price(PriceProblem::LengthUnknown { .. })) if measuring == Measuring::Allowed => {
                self.check_inputs(account, inputs).await?;
                self.check_least(account, wanted, ask, workflow).await?;
                let capability = self.catalog.find(wanted.dialect, wanted.name).map(|model| model.capability);
                ask.media_seconds = Some(self.measured(account, capability, ask, inputs).await?);
                self.judge(wanted, ask, workflow, self.now())?
            }
            judged => judged?,
        };
        self.complete_voice(account, judged, inputs).await
    }

    /// Refuses who cannot pay even for the shortest file, and what is wrong whatever its length, before a large
    /// file is fetched for nothing.
    async fn check_least(
        &self,
        account: AccountId,
        wanted: Wanted<'_>,
        ask: &Ask,
        workflow: Option<&WorkflowRef>,
    ) -> Result<(), Refusal> {
        let shortest = Ask { media_seconds: Some(Decimal::new(1, 3)), ..ask.clone() };
        let needed = self.judge(wanted, &shortest, workflow, self.now())?.quote.amount;
        let wallet: CreditWallet = self.load(account.wallet()).await?;
        let available = wallet.balance(self.now()).available;
        if available < needed {
            return Err(Refusal::Insufficient { needed, available, scope: "account" });
        }
        Ok(())
    }

    /// How long what is made will be, in seconds, by the media that it is made from.
    async fn measured(
        &self,
        account: AccountId,
        capability: Option<Capability>,
        ask: &Ask,
        inputs: &Inputs,
    ) -> Result<Decimal, Refusal> {
        let sound = inputs.input_audio.as_deref().or(inputs.youtube.as_deref());
        let video = inputs.source_video.as_deref();
        let milliseconds = match (capability, video, sound) {
            (Some(Capability::LipsyncGeneration), Some(video), Some(sound)) => {
                let video = self.length_of(account, inputs, video, InputRole::SourceVideo).await?;
                let sound = self.length_of(account, inputs, sound, InputRole::InputAudio).await?;
                let mode = ask.choices.sync_mode.as_deref().and_then(SyncMode::from_name);
                mode.unwrap_or(SyncMode::CutOff).length(video, sound)
            }
            (_, _, Some(sound)) => self.length_of(account, inputs, sound, InputRole::InputAudio).await?,
            (_, Some(video), None) => self.length_of(account, inputs, video, InputRole::SourceVideo).await?,
            (_, None, None) => return Err(AskProblem::new(AskField::SourceVideo, AskReason::Required).into()),
        };
        Ok(Decimal::new(i64::try_from(milliseconds).unwrap_or(i64::MAX), 3))
    }

    async fn length_of(&self, account: AccountId, inputs: &Inputs, url: &str, role: InputRole) -> Result<u64, Refusal> {
        let wanted = InputWanted { kind: role.kind(), bytes_max: MEASURED_BYTES_MAX };
        let refused = |problem| Refusal::Input { field: inputs.field_of(url), problem };
        self.inputs.measure(account, url, wanted).await.map_err(refused)
    }

    /// A voice of the account's own comes with its sample; anybody else's is as good as none.
    async fn complete_voice(
        &self,
        account: AccountId,
        mut judged: Judged,
        inputs: &mut Inputs,
    ) -> Result<Judged, Refusal> {
        let Some(voice_id) = judged.parameters.voice.clone().filter(|id| self.catalog.voice(id).is_none()) else {
            return Ok(judged);
        };
        let state: Account = self.load(account).await?;
        let Some(details) = state.voice(&voice_id).map(|voice| voice.details) else {
            let own = state.voices().map(|(id, _)| id.to_owned());
            let stock = self.catalog.voices().map(|voice| voice.id.clone());
            let allowed: Vec<String> = own.chain(stock).collect();
            return Err(AskProblem::new(AskField::Voice, AskReason::NotAllowed).allowing(allowed).into());
        };
        let sample = self.voice_details(details).await?.samples.into_iter().next();
        inputs.reference_audio = sample.map(|key| self.links.signed(&key, self.now()));
        judged.parameters.reference_audio = inputs.reference_audio.is_some();
        Ok(judged)
    }
}
