//! What is sealed of webhook endpoints, opened.

use std::collections::{HashMap, HashSet};

use super::core::Core;
use super::refusal::Refusal;
use super::webhooks::WebhookView;
use crate::ids::{SealedId, WebhookEndpointId};
use crate::ports::VaultError;
use crate::webhook::{EndpointSettings, SigningSecret, WebhookEndpoint};

/// What was sealed of endpoints. What was erased is in none of these.
#[derive(Clone, Debug, Default)]
pub struct OpenedWebhooks {
    /// Addresses and descriptions.
    pub settings: HashMap<SealedId, EndpointSettings>,
    /// Signing secrets.
    pub secrets: HashMap<SealedId, SigningSecret>,
    /// What is there and cannot be read: no key of ours opens it, or a newer release wrote it.
    pub unreadable: HashSet<SealedId>,
}

impl Core {
    /// What is sealed of endpoints: addresses by the id of their settings, secrets by theirs. One that cannot
    /// be read keeps nobody from the others. Errors: the vault does not answer.
    pub async fn open_webhooks(&self, settings: &[SealedId], secrets: &[SealedId]) -> Result<OpenedWebhooks, Refusal> {
        let ids: Vec<SealedId> = settings.iter().chain(secrets).copied().collect();
        let (opened, unreadable) = self.open_each(ids).await?;
        let mut found = OpenedWebhooks { unreadable, ..OpenedWebhooks::default() };
        for id in settings {
            match opened.get(id).map(|text| serde_json::from_slice(text)) {
                Some(Ok(read)) => drop(found.settings.insert(*id, read)),
                Some(Err(_)) => drop(found.unreadable.insert(*id)),
                None => {}
            }
        }
        for id in secrets {
            let Some(text) = opened.get(id) else { continue };
            let text: Option<String> = serde_json::from_slice(text).ok();
            match text.and_then(|text| SigningSecret::read(&text)) {
                Some(secret) => drop(found.secrets.insert(*id, secret)),
                None => drop(found.unreadable.insert(*id)),
            }
        }
        Ok(found)
    }

    /// Opens texts, and says which no key of ours opens. Those are looked for by halves, so that one among
    /// many costs few reads.
    async fn open_each(&self, ids: Vec<SealedId>) -> Result<(HashMap<SealedId, Vec<u8>>, HashSet<SealedId>), Refusal> {
        let (mut opened, mut unreadable) = (HashMap::with_capacity(ids.len()), HashSet::new());
        let mut parts = vec![ids];
        while let Some(part) = parts.pop() {
            match self.vault.open(&part).await {
                Ok(texts) => opened.extend(texts),
                Err(VaultError::Corrupt(_)) if part.len() > 1 => {
                    let (one, other) = part.split_at(part.len() / 2);
                    parts.extend([one.to_vec(), other.to_vec()]);
                }
                Err(VaultError::Corrupt(_)) => unreadable.extend(part),
                Err(error @ (VaultError::Unavailable(_) | VaultError::Erased)) => return Err(error.into()),
            }
        }
        Ok((opened, unreadable))
    }

    pub(super) async fn webhook_views(
        &self,
        endpoints: Vec<(WebhookEndpointId, WebhookEndpoint)>,
    ) -> Result<Vec<WebhookView>, Refusal> {
        let current = || endpoints.iter().filter_map(|(_, endpoint)| endpoint.current());
        let settings: Vec<SealedId> = current().map(|current| current.settings).collect();
        let secrets: Vec<SealedId> = current().map(|current| current.secret).collect();
        let opened = self.open_webhooks(&settings, &secrets).await?;
        let view = |(id, endpoint): (WebhookEndpointId, WebhookEndpoint)| {
            let (settings, secret_preview) = match endpoint.current() {
                Some(current) => (
                    opened.settings.get(&current.settings).cloned(),
                    opened.secrets.get(&current.secret).map(SigningSecret::preview),
                ),
                None => (None, None),
            };
            let settings = settings.unwrap_or_else(|| EndpointSettings { url: String::new(), description: None });
            WebhookView { id, endpoint, settings, secret_preview: secret_preview.unwrap_or_default() }
        };
        Ok(endpoints.into_iter().map(view).collect())
    }
}
