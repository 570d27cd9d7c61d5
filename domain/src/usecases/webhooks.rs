//! Webhook endpoints: made, changed, rotated, deleted, and disabled after a warning.

use chrono::TimeDelta;

use super::authenticate::Caller;
use super::core::Core;
use super::refusal::Refusal;
use crate::account::{Account, Scope};
use crate::es::{Acting, Confirmed, Position, SealedText, StreamRef, Unit};
use crate::ids::{AccountId, SealedId, WebhookEndpointId};
use crate::ports::InputError;
use crate::webhook::{
    CreatedWebhook, DisabledCause, EndpointSettings, NewSettings, RosterCommand, SigningSecret, Topic, WebhookCommand,
    WebhookEndpoint, WebhookError, WebhookRoster,
};

/// How many characters an endpoint's address has at most.
pub const WEBHOOK_URL_CHARS_MAX: usize = 2_048;
/// How many characters a description has at most.
pub const WEBHOOK_DESCRIPTION_CHARS_MAX: usize = 500;
/// For how many hours a replaced secret still signs where nobody says.
pub const ROTATION_OVERLAP_HOURS: u32 = 24;
/// The most hours for which a replaced secret may still sign.
pub const ROTATION_OVERLAP_HOURS_MAX: u32 = 168;
/// How often a change is made anew where somebody else changes the same endpoint at the same time.
const CHANGE_TRIES_MAX: u32 = 8;

/// An endpoint that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWebhook {
    /// Where deliveries go.
    pub url: String,
    /// What its owner calls it.
    pub description: Option<String>,
    /// What it is told about; [`Topic::DEFAULT`] if absent.
    pub topics: Option<Vec<Topic>>,
}

/// What its owner wants changed; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookChange {
    /// Where deliveries go.
    pub url: Option<String>,
    /// What its owner calls it; `Some(None)` clears it.
    pub description: Option<Option<String>>,
    /// Whether it is told at all.
    pub active: Option<bool>,
    /// What it is told about.
    pub topics: Option<Vec<Topic>>,
}

/// An endpoint as its owner sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookView {
    /// Which.
    pub id: WebhookEndpointId,
    /// Its state.
    pub endpoint: WebhookEndpoint,
    /// Its address and description; empty once its owner was erased.
    pub settings: EndpointSettings,
    /// What is shown of its secret.
    pub secret_preview: String,
}

impl Core {
    /// Makes an endpoint. The secret is known only here. Errors: an address that is not public https, no
    /// topics, as many endpoints as there may be.
    pub async fn create_webhook(
        &self,
        caller: &Caller,
        wanted: NewWebhook,
    ) -> Result<(WebhookView, SigningSecret, Confirmed), Refusal> {
        caller.require(Scope::WebhooksWrite)?;
        let description = wanted.description.filter(|text| !text.is_empty());
        let settings = EndpointSettings { url: wanted.url, description };
        self.check_settings(&settings)?;
        let topics_unchosen = wanted.topics.is_none();
        let topics = distinct(wanted.topics.unwrap_or_else(|| Topic::DEFAULT.to_vec()))?;
        let (account, key_id, by) = (caller.account, caller.key_id(), caller.acts_with.clone());
        let id = WebhookEndpointId(self.new_id(account.shard()));
        let secret = self.new_signing_secret();
        let texts = [self.seal_settings(account, &settings).await?, self.seal_secret(account, &secret).await?];
        let created = CreatedWebhook {
            account,
            key_id,
            settings: texts[0].id,
            topics,
            topics_unchosen,
            secret: texts[1].id,
            at: self.now(),
        };
        let decision = self
            .request(account.shard(), caller.acting(), account)
            .stream(StreamRef::of::<Account>(account))
            .stream(StreamRef::of::<WebhookRoster>(account.webhook_roster()))
            .stream(StreamRef::of::<WebhookEndpoint>(id));
        let (endpoint, confirmed) = self
            .decide(decision, move |unit| {
                unit.state::<Account>(account).authorize(&by, Scope::WebhooksWrite)?;
                let at = unit.now();
                let created = CreatedWebhook { at, ..created.clone() };
                unit.execute::<WebhookEndpoint>(id, WebhookCommand::Create(Box::new(created)))?;
                unit.execute::<WebhookRoster>(account.webhook_roster(), RosterCommand::Add { endpoint: id, at })?;
                texts.iter().for_each(|text| unit.seal(text.clone()));
                Ok(unit.state::<WebhookEndpoint>(id).clone())
            })
            .await?;
        let view = WebhookView { id, endpoint, settings, secret_preview: secret.preview() };
        Ok((view, secret, confirmed))
    }

    /// The endpoints of an account, the newest first, and the shard's end at which they were read.
    pub async fn webhooks_of(&self, account: AccountId) -> Result<(Vec<WebhookView>, Position), Refusal> {
        let (roster, _) = self.load_at::<WebhookRoster>(account.webhook_roster()).await?;
        let ids: Vec<WebhookEndpointId> = roster.endpoints().iter().rev().copied().collect();
        let streams = ids.iter().map(|id| StreamRef::of::<WebhookEndpoint>(*id)).collect();
        let (states, read_at) = self
            .read(account.into(), streams, move |unit| {
                let state = |id: &WebhookEndpointId| (*id, unit.state::<WebhookEndpoint>(*id).clone());
                ids.iter().map(state).collect::<Vec<_>>()
            })
            .await?;
        let there = states.into_iter().filter(|(_, endpoint)| endpoint.is_there()).collect();
        Ok((self.webhook_views(there).await?, read_at))
    }

    /// One endpoint of an account. Errors: not found, or somebody else's, which is the same.
    pub async fn webhook_of(&self, account: AccountId, id: WebhookEndpointId) -> Result<WebhookView, Refusal> {
        let endpoint: WebhookEndpoint = self.load(id).await?;
        if endpoint.account() != Some(account) {
            return Err(Refusal::NotFound("webhook endpoint"));
        }
        let view = self.webhook_views(vec![(id, endpoint)]).await?.pop();
        view.ok_or(Refusal::NotFound("webhook endpoint"))
    }

    /// Changes an endpoint of the caller's. Address and description are sealed together: where somebody
    /// else changed either meanwhile, the change is made anew on what is there then.
    pub async fn change_webhook(
        &self,
        caller: &Caller,
        id: WebhookEndpointId,
        change: WebhookChange,
    ) -> Result<(WebhookView, Confirmed), Refusal> {
        caller.require(Scope::WebhooksWrite)?;
        let mut tries = 1;
        loop {
            match self.change_webhook_once(caller, id, change.clone()).await {
                Err(Refusal::Webhook(WebhookError::ChangedMeanwhile)) if tries < CHANGE_TRIES_MAX => tries += 1,
                answer => return answer,
            }
        }
    }

    async fn change_webhook_once(
        &self,
        caller: &Caller,
        id: WebhookEndpointId,
        change: WebhookChange,
    ) -> Result<(WebhookView, Confirmed), Refusal> {
        let before = self.webhook_of(caller.account, id).await?;
        let mut settings = before.settings.clone();
        if let Some(url) = change.url {
            settings.url = url;
        }
        if let Some(description) = change.description {
            settings.description = description.filter(|text| !text.is_empty());
        }
        let of = before.endpoint.current().map(|current| current.settings);
        let sealed = match of {
            Some(of) if settings != before.settings => {
                self.check_settings(&settings)?;
                let sealed = self.seal_settings(caller.account, &settings).await?;
                Some((NewSettings { of, settings: sealed.id }, sealed))
            }
            Some(_) | None => None,
        };
        let topics = change.topics.map(distinct).transpose()?;
        let active = change.active;
        let (endpoint, confirmed) = self
            .on_webhook(caller, id, move |unit| {
                let at = unit.now();
                let new = sealed.as_ref().map(|(new, _)| *new);
                let command = WebhookCommand::Change { settings: new, topics: topics.clone(), at };
                unit.execute::<WebhookEndpoint>(id, command)?;
                sealed.iter().for_each(|(_, text)| unit.seal(text.clone()));
                match active {
                    Some(true) => unit.execute::<WebhookEndpoint>(id, WebhookCommand::Enable { at })?,
                    Some(false) => {
                        let command = WebhookCommand::Disable { cause: DisabledCause::Owner, at };
                        unit.execute::<WebhookEndpoint>(id, command)?
                    }
                    None => 0,
                };
                Ok(())
            })
            .await?;
        Ok((WebhookView { endpoint, settings, ..before }, confirmed))
    }

    /// Deletes an endpoint of the caller's: it is told nothing more.
    pub async fn delete_webhook(&self, caller: &Caller, id: WebhookEndpointId) -> Result<Confirmed, Refusal> {
        caller.require(Scope::WebhooksWrite)?;
        let roster = caller.account.webhook_roster();
        let deleted = self.on_webhook(caller, id, move |unit| {
            let at = unit.now();
            unit.execute::<WebhookEndpoint>(id, WebhookCommand::Delete { at })?;
            unit.execute::<WebhookRoster>(roster, RosterCommand::Remove { endpoint: id, at })?;
            Ok(())
        });
        Ok(deleted.await?.1)
    }

    /// Gives an endpoint of the caller's another secret, known only here; the one before signs, too, for
    /// `overlap_hours` (0 to [`ROTATION_OVERLAP_HOURS_MAX`]). Errors: the secret before still signs, and the
    /// new one is to have an overlap, too; without one every earlier secret ends at once.
    pub async fn rotate_webhook_secret(
        &self,
        caller: &Caller,
        id: WebhookEndpointId,
        overlap_hours: u32,
    ) -> Result<(WebhookView, SigningSecret, Confirmed), Refusal> {
        caller.require(Scope::WebhooksWrite)?;
        if overlap_hours > ROTATION_OVERLAP_HOURS_MAX {
            let message = format!("must be from 0 to {ROTATION_OVERLAP_HOURS_MAX}");
            return Err(Refusal::field("overlap_hours", message));
        }
        let before = self.webhook_of(caller.account, id).await?;
        let secret = self.new_signing_secret();
        let sealed = self.seal_secret(caller.account, &secret).await?;
        let (endpoint, confirmed) = self
            .on_webhook(caller, id, move |unit| {
                let at = unit.now();
                let previous_until = at + TimeDelta::hours(i64::from(overlap_hours));
                let command = WebhookCommand::RotateSecret { secret: sealed.id, previous_until, at };
                unit.execute::<WebhookEndpoint>(id, command)?;
                unit.seal(sealed.clone());
                Ok(())
            })
            .await?;
        Ok((WebhookView { endpoint, secret_preview: secret.preview(), ..before }, secret, confirmed))
    }

    /// Tells an endpoint's owner that it has failed since then. Said again it changes nothing.
    pub async fn warn_failing_webhook(
        &self,
        id: WebhookEndpointId,
        failing_since: crate::Timestamp,
    ) -> Result<WebhookEndpoint, Refusal> {
        self.by_sender(id, move |unit| WebhookCommand::WarnFailing { failing_since, at: unit.now() }).await
    }

    /// Disables an endpoint that went on failing after its owner was warned.
    pub async fn disable_failing_webhook(&self, id: WebhookEndpointId) -> Result<WebhookEndpoint, Refusal> {
        let cause = DisabledCause::Failing;
        self.by_sender(id, move |unit| WebhookCommand::Disable { cause, at: unit.now() }).await
    }

    async fn by_sender(
        &self,
        id: WebhookEndpointId,
        command: impl Fn(&Unit<'_>) -> WebhookCommand + Send + 'static,
    ) -> Result<WebhookEndpoint, Refusal> {
        let acting = Acting { actor: "webhooks".into(), ..Acting::default() };
        let decision = self.request(id.shard(), acting, id).stream(StreamRef::of::<WebhookEndpoint>(id));
        let (endpoint, _) = self
            .decide(decision, move |unit| {
                let command = command(unit);
                unit.execute::<WebhookEndpoint>(id, command)?;
                Ok(unit.state::<WebhookEndpoint>(id).clone())
            })
            .await?;
        Ok(endpoint)
    }

    /// An endpoint's state at the shard's confirmed end.
    pub async fn webhook_state(&self, id: WebhookEndpointId) -> Result<WebhookEndpoint, Refusal> {
        self.load(id).await
    }

    /// A decision about an endpoint of the caller's, whose key is looked at with it.
    async fn on_webhook(
        &self,
        caller: &Caller,
        id: WebhookEndpointId,
        mut act: impl FnMut(&mut Unit<'_>) -> Result<(), Refusal> + Send + 'static,
    ) -> Result<(WebhookEndpoint, Confirmed), Refusal> {
        let (account, by) = (caller.account, caller.acts_with.clone());
        if id.shard() != account.shard() {
            return Err(Refusal::NotFound("webhook endpoint"));
        }
        let decision = self
            .request(account.shard(), caller.acting(), account)
            .stream(StreamRef::of::<Account>(account))
            .stream(StreamRef::of::<WebhookRoster>(account.webhook_roster()))
            .stream(StreamRef::of::<WebhookEndpoint>(id));
        self.decide(decision, move |unit| {
            if unit.state::<WebhookEndpoint>(id).account() != Some(account) {
                return Err(Refusal::NotFound("webhook endpoint"));
            }
            unit.state::<Account>(account).authorize(&by, Scope::WebhooksWrite)?;
            act(unit)?;
            Ok(unit.state::<WebhookEndpoint>(id).clone())
        })
        .await
    }

    fn check_settings(&self, settings: &EndpointSettings) -> Result<(), Refusal> {
        let bad = |why: String| Refusal::Input { field: "url", problem: InputError::BadAddress(why) };
        if settings.url.chars().count() > WEBHOOK_URL_CHARS_MAX {
            return Err(bad(format!("it has more than {WEBHOOK_URL_CHARS_MAX} characters")));
        }
        self.inputs.check(&settings.url).map_err(|problem| Refusal::Input { field: "url", problem })?;
        let description = settings.description.as_deref().unwrap_or_default();
        if description.chars().count() > WEBHOOK_DESCRIPTION_CHARS_MAX || description.chars().any(char::is_control) {
            let message = format!("must have at most {WEBHOOK_DESCRIPTION_CHARS_MAX} printable characters");
            return Err(Refusal::field("description", message));
        }
        Ok(())
    }

    fn new_signing_secret(&self) -> SigningSecret {
        let mut random = [0; SigningSecret::BYTES];
        self.entropy.fill(&mut random);
        SigningSecret::of(random)
    }

    async fn seal_settings(&self, account: AccountId, settings: &EndpointSettings) -> Result<SealedText, Refusal> {
        let text = serde_json::to_vec(settings).unwrap_or_default();
        self.seal_for(account, &text).await
    }

    async fn seal_secret(&self, account: AccountId, secret: &SigningSecret) -> Result<SealedText, Refusal> {
        // As JSON, like every other sealed text.
        let text = serde_json::to_vec(secret.reveal()).unwrap_or_default();
        self.seal_for(account, &text).await
    }

    async fn seal_for(&self, account: AccountId, text: &[u8]) -> Result<SealedText, Refusal> {
        let id = SealedId(self.new_id(account.shard()));
        Ok(self.vault.seal(account.0, id, text).await?)
    }
}

/// Topics without repetitions, in their usual order. Errors: none at all.
fn distinct(topics: Vec<Topic>) -> Result<Vec<Topic>, Refusal> {
    if topics.is_empty() {
        let names: Vec<&str> = Topic::ALL.iter().map(|topic| topic.as_str()).collect();
        return Err(Refusal::field("events", format!("must name at least one of: {}", names.join(", "))));
    }
    Ok(Topic::ALL.into_iter().filter(|topic| topics.contains(topic)).collect())
}
