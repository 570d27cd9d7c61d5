//! Accepting a run: request, hold and creations in one append.

use std::time::Duration;

use super::authenticate::Caller;
use super::characters::VoiceDetails;
use super::core::Core;
use super::generate::scope_to_generate;
use super::judging::Measuring;
use super::prepared::Prepared;
use super::refusal::Refusal;
use super::submission::SubmitPlan;
use super::team_wallet::ForTeam;
use crate::account::Scope;
use crate::catalog::{Ask, AskField, AskProblem, AskReason, Checked, Dialect, Model};
use crate::creation::{Privacy, creation_of_asset};
use crate::es::{Confirmed, DecideError, StreamRef};
use crate::ids::{AccountId, CreationId, ProjectId, RunId, SealedId};
use crate::money::{PriceProblem, Quote};
use crate::ports::{InputError, IntegerKind, OwnAddress, OwnSignature};
use crate::run::{CreationRef, Inputs, Payer, RequestedRun, Run};
use crate::wallet::CreditWallet;
use crate::{Credits, Timestamp};

/// How often what a run lacks is drawn from a team's wallet before it is too much: others of the same member may spend
/// what was drawn.
const DRAWS_MAX: usize = 20;
/// When it is worth trying again after that.
const DRAWN_RETRY_AFTER: Duration = Duration::from_secs(1);

/// A key under which a request may be said again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// As the caller gave it.
    pub key: String,
    /// The request's method.
    pub method: String,
    /// The request's concrete path.
    pub path: String,
    /// The request's body, byte for byte.
    pub body: Vec<u8>,
}

impl IdempotencyKey {
    /// How many characters a key has at most.
    pub const LENGTH_MAX: usize = 255;

    pub(super) fn check(&self) -> Result<(), Refusal> {
        let printable = self.key.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if self.key.is_empty() || self.key.len() > Self::LENGTH_MAX || !printable {
            return Err(Refusal::BadIdempotencyKey);
        }
        Ok(())
    }
}

/// A request for generation in no dialect's words.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// Whose names and limits apply.
    pub dialect: Dialect,
    /// The model, by the dialect's name for it.
    pub model: String,
    /// What is asked of it.
    pub ask: Ask,
    /// Prompt and addresses.
    pub inputs: Inputs,
    /// The generator, where one is used.
    pub generator: Option<String>,
    /// Its preference.
    pub preference: Option<String>,
    /// Its second preference.
    pub preference_two: Option<String>,
    /// Who may see what is made.
    pub privacy: Privacy,
    /// Method and path template: `POST /v1/images/generations`.
    pub route: String,
    /// The operation's name: `images.generations.create`.
    pub operation: String,
    /// What the key must be allowed.
    pub scope: Scope,
    /// The team that it is made for, if it is for one.
    pub team: Option<ForTeam>,
    /// The workflow, where it is a run of one: it is priced as such, and its model answers in its words.
    pub workflow: Option<WorkflowRef>,
    /// The key under which it may be said again.
    pub idempotency: Option<IdempotencyKey>,
}

/// A workflow that a run is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowRef {
    /// Its key.
    pub key: String,
    /// The project that it plans anew; one that is opened where none is named.
    pub revises: Option<ProjectId>,
}

/// A run that was accepted, now or before.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// Which.
    pub run_id: RunId,
    /// Its state; as it stands now where it was accepted before.
    pub run: Run,
    /// Whether the same request had been accepted before.
    pub replayed: bool,
    /// What the payer can still spend.
    pub available: Credits,
    /// Where it was confirmed.
    pub confirmed: Confirmed,
}

/// A model that is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// Whose name for it that is.
    pub dialect: Dialect,
    /// The name.
    pub name: &'a str,
    /// Whose limits apply to what is asked of it.
    pub limits: Dialect,
}

impl<'a> Wanted<'a> {
    /// By the name and the limits of one dialect.
    pub fn of(dialect: Dialect, name: &'a str) -> Self {
        Wanted { dialect, name, limits: dialect }
    }
}

/// A request that was judged and priced, before it is decided.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub parameters: Checked,
    pub quote: Quote,
    pub provider: String,
    pub provider_model: String,
}

impl Core {
    /// Judges what is asked against the model's limits, finds who carries it out, and prices it.
    /// Nothing is held yet; a refusal leaves no trace.
    /// A workflow has a price of its own, whatever its model costs.
    pub(super) fn judge(
        &self,
        wanted: Wanted<'_>,
        ask: &Ask,
        workflow: Option<&WorkflowRef>,
        now: Timestamp,
    ) -> Result<Judged, Refusal> {
        let model = self.catalog.find(wanted.dialect, wanted.name).ok_or_else(|| {
            let problem = AskProblem::new(AskField::Model, AskReason::NotOffered);
            Refusal::Ask(problem)
        })?;
        // First of all: what nobody carries out is not to be asked for in another way.
        let unavailable = || Refusal::ModelUnavailable { model: wanted.name.to_owned() };
        let route = self.catalog.route(model).ok_or_else(unavailable)?;
        let parameters = model.check(wanted.limits, ask)?;
        // A cloned voice is its account's alone: whoever knows the account judges it.
        if let Some(voice) = &parameters.voice
            && self.catalog.voice(voice).is_none()
            && !voice.starts_with(VoiceDetails::ID_MARK)
        {
            let problem = AskProblem::new(AskField::Voice, AskReason::NotAllowed);
            return Err(problem.allowing(self.catalog.voices().map(|voice| &voice.id)).into());
        }
        let book = self.catalog.prices().at(now).ok_or_else(unavailable)?;
        let quote = match workflow {
            Some(workflow) => book.quote_operation(&self.workflow(&workflow.key)?.price_key())?,
            None => book.quote(model, &parameters)?,
        };
        Ok(Judged { parameters, quote, provider: route.provider.clone(), provider_model: provider_model(model) })
    }

    /// Judges every address that a request names, before anything is held. One of our own must be
    /// signed, or name a creation that the caller may see.
    pub(super) async fn check_inputs(&self, account: AccountId, inputs: &Inputs) -> Result<(), Refusal> {
        for url in inputs.urls() {
            let problem = match self.links.own(url, self.now()) {
                Some(own) => self.check_own(account, &own).await?,
                None => self.inputs.check(url).err(),
            };
            if let Some(problem) = problem {
                return Err(Refusal::Input { field: inputs.field_of(url), problem });
            }
        }
        if let Some(page) = &inputs.page {
            let refused = |problem| Refusal::Input { field: "page", problem };
            if self.links.own(page, self.now()).is_some() {
                return Err(refused(InputError::BadAddress("it is an address of this server".into())));
            }
            self.inputs.check(page).map_err(refused)?;
        }
        Ok(())
    }

    async fn check_own(&self, account: AccountId, own: &OwnAddress) -> Result<Option<InputError>, Refusal> {
        let visible = match own.signature {
            OwnSignature::Valid => true,
            OwnSignature::Expired | OwnSignature::Wrong => false,
            OwnSignature::Absent => match creation_of_asset(&own.key) {
                Some(number) => {
                    self.creation_state(number).await?.is_some_and(|creation| creation.is_visible_to(account))
                }
                None => false,
            },
        };
        Ok((!visible).then(|| InputError::Unreachable("there is no such file here, or its address has expired".into())))
    }

    /// Accepts a run: holds its price, opens its creations and, where this node has room, writes down
    /// that it starts at once, all in one append. The same request under the same key finds the run.
    pub async fn accept_run(&self, caller: &Caller, request: RunRequest) -> Result<Accepted, Refusal> {
        caller.require(request.scope)?;
        if let Some(key) = &request.idempotency {
            key.check()?;
        }
        let mut request = request;
        let judged = match self.judged_of(caller, &mut request, Measuring::NotYet).await {
            // Before a large file is fetched: the same request may have been accepted before, and the
            // file may be gone by now.
            Err(Refusal::Price(PriceProblem::LengthUnknown { .. })) => {
                if let Some(found) = self.replayed(caller, request.idempotency.as_ref()).await? {
                    return Ok(found);
                }
                self.judged_of(caller, &mut request, Measuring::Allowed).await
            }
            judged => judged,
        };
        self.accept_judged(caller, request, judged).await
    }

    /// The rest of accepting a run, once it was judged and priced.
    pub(super) async fn accept_judged(
        &self,
        caller: &Caller,
        request: RunRequest,
        judged: Result<Judged, Refusal>,
    ) -> Result<Accepted, Refusal> {
        let judged = match judged {
            Ok(judged) => match self.check_inputs(caller.account, &request.inputs).await {
                Ok(()) => self.check_page(&request.inputs).await.map(|()| judged),
                Err(refusal) => Err(refusal),
            },
            Err(refusal) => Err(refusal),
        };
        let judged = match judged {
            Ok(judged) => judged,
            // A run that was accepted before stays found, whatever the catalog says by now.
            Err(refusal) => return self.replayed(caller, request.idempotency.as_ref()).await?.ok_or(refusal),
        };
        let inputs = request.inputs.clone();
        let prepared = self.prepare(caller, request, judged).await?;
        let (account, provider) = (caller.account, prepared.template.provider.clone());
        let slot = self.dispatch.reserve(&provider, account);
        let plan = slot
            .as_ref()
            .map(|slot| SubmitPlan { node: slot.node().to_owned(), submit_by: slot.submit_by(self.now()) });
        let run_id = prepared.run_id;
        let (decision, by) = (prepared.streams(self, caller), caller.acts_with.clone());
        let ((run, replayed, available), confirmed) = self
            .paid_for(caller, &prepared, || {
                let (prepared, by, plan) = (prepared.clone(), by.clone(), plan.clone());
                self.decide(decision.clone(), move |unit| prepared.decide(unit, &by, plan.clone()))
            })
            .await?;
        match slot {
            _ if replayed => {}
            Some(slot) => self.dispatch.starts(run_id, account, &provider, slot, &run, inputs),
            None => self.dispatch.accepted(run_id, account, &provider, None),
        }
        Ok(Accepted { run_id, run, replayed, available, confirmed })
    }

    /// Decides a run; where a team pays and the member's part of its wallet does not suffice, what is lacking is
    /// drawn and it is decided again. Others may spend what was drawn meanwhile, so more than once.
    async fn paid_for<T, D, F>(&self, caller: &Caller, prepared: &Prepared, decide: D) -> Result<T, Refusal>
    where
        D: Fn() -> F,
        F: Future<Output = Result<T, Refusal>>,
    {
        let mut decided = decide().await;
        let (payer, needed) = (prepared.template.payer, prepared.template.quote.amount);
        for _ in 0..DRAWS_MAX {
            match (&decided, payer.team) {
                // Says itself whether it is the wallet or the limit that does not suffice.
                (Err(Refusal::Insufficient { .. }), Some(team)) => self.draw_for(caller, team, needed).await?,
                _ => return decided,
            }
            decided = decide().await;
        }
        match decided {
            Err(Refusal::Insufficient { .. }) => Err(DecideError::Overloaded { retry_after: DRAWN_RETRY_AFTER }.into()),
            decided => decided,
        }
    }

    /// Judges where a page's host leads, so that nothing is held for one that must not be reached.
    async fn check_page(&self, inputs: &Inputs) -> Result<(), Refusal> {
        let Some(page) = &inputs.page else { return Ok(()) };
        self.inputs.check_target(page).await.map_err(|problem| Refusal::Input { field: "page", problem })
    }

    async fn judged_of(
        &self,
        caller: &Caller,
        request: &mut RunRequest,
        measuring: Measuring,
    ) -> Result<Judged, Refusal> {
        let limits = self.limits_of(request);
        let RunRequest { dialect, model, ask, inputs, workflow, .. } = request;
        let wanted = Wanted { dialect: *dialect, name: model, limits };
        self.judged(caller.account, wanted, ask, inputs, workflow.as_ref(), measuring).await
    }

    /// Whose limits apply: the dialect's; where none is spoken and a generator asks, its model says.
    fn limits_of(&self, request: &RunRequest) -> Dialect {
        match (request.dialect, &request.generator) {
            (Dialect::Native, Some(_)) => {
                self.catalog.find(Dialect::Native, &request.model).map_or(Dialect::Native, Model::dialect_of_generators)
            }
            (dialect, _) => dialect,
        }
    }

    /// The run that the same request made before under the same key, for whoever would refuse that
    /// request by now: what was accepted stays found, whatever the catalog says. Errors: the key was
    /// used for another request, or the caller may not make what the run makes.
    pub async fn replay(&self, caller: &Caller, key: Option<&IdempotencyKey>) -> Result<Option<Accepted>, Refusal> {
        let Some(accepted) = self.replayed(caller, key).await? else { return Ok(None) };
        if let Some(requested) = accepted.run.requested() {
            caller.require(scope_to_generate(requested.parameters.capability))?;
        }
        Ok(Some(accepted))
    }

    async fn replayed(&self, caller: &Caller, key: Option<&IdempotencyKey>) -> Result<Option<Accepted>, Refusal> {
        let Some(key) = key else { return Ok(None) };
        let run_id = RunId::keyed(caller.account, &key.method, &key.path, &key.key);
        let fingerprint = self.vault.fingerprint(caller.account.0, &key.body).await?;
        let decision = self
            .request(run_id.shard(), caller.acting(), caller.account)
            .stream(StreamRef::of::<Run>(run_id))
            .stream(StreamRef::of::<CreditWallet>(caller.account.wallet()));
        let wallet = caller.account.wallet();
        let (found, confirmed) = self
            .decide(decision, move |unit| {
                let run = unit.state::<Run>(run_id);
                let Some(requested) = run.requested() else { return Ok(None) };
                if requested.fingerprint.as_deref() != Some(&fingerprint) {
                    return Err(Refusal::IdempotencyReused);
                }
                let available = unit.state::<CreditWallet>(wallet).balance(unit.now()).available;
                Ok(Some((run.clone(), requested.payer, available)))
            })
            .await?;
        let Some((run, payer, own)) = found else { return Ok(None) };
        let available = if payer.team.is_some() { self.spendable(caller, payer).await?.0 } else { own };
        Ok(Some(Accepted { run_id, run, replayed: true, available, confirmed }))
    }

    async fn prepare(&self, caller: &Caller, request: RunRequest, judged: Judged) -> Result<Prepared, Refusal> {
        let account = caller.account;
        let shard = account.shard();
        let (run_id, fingerprint) = match &request.idempotency {
            Some(key) => (
                RunId::keyed(account, &key.method, &key.path, &key.key),
                Some(self.vault.fingerprint(account.0, &key.body).await?),
            ),
            None => (RunId(self.new_id(shard)), None),
        };
        let inputs = SealedId(self.new_id(shard));
        let project = self.project_of(request.workflow.as_ref(), run_id);
        let text = serde_json::to_vec(&request.inputs).unwrap_or_default();
        let sealed = self.vault.seal(account.0, inputs, &text).await?;
        let count = judged.parameters.count as usize;
        let numbers = self.integers.take(IntegerKind::Creation, shard, count).await?;
        let creations =
            numbers.into_iter().map(|number| CreationRef { id: CreationId::numbered(shard, number), number }).collect();
        let template = RequestedRun {
            account,
            payer: request.team.map_or(Payer { wallet: account.wallet(), team: None }, |team| team.payer(account)),
            team: request.team.map(|team| team.team),
            key_id: caller.key_id(),
            client_id: caller.client_id().map(str::to_owned),
            surface: caller.surface,
            route: request.route,
            operation: request.operation,
            request_id: caller.request_id.clone(),
            fingerprint,
            parameters: judged.parameters,
            model_alias: request.model,
            generator: request.generator,
            preference: request.preference,
            preference_two: request.preference_two,
            workflow: request.workflow.map(|workflow| workflow.key),
            project,
            inputs,
            quote: judged.quote,
            creations,
            item: None,
            provider: judged.provider,
            provider_model: judged.provider_model,
            private: request.privacy == Privacy::Private,
            at: self.now(),
        };
        Ok(Prepared {
            run_id,
            template,
            sealed,
            user_id: caller.user_id,
            privacy: request.privacy,
            scope: request.scope,
        })
    }
}

/// The model by its provider's own name.
fn provider_model(model: &Model) -> String {
    model.generor.as_ref().map_or_else(|| model.slug.clone(), |listing| listing.model_name.clone())
}
