//! The demo account of a first start, and first requests to paste.

use mintmark_domain::Credits;
use mintmark_domain::account::{Scopes, Tier};
use mintmark_domain::usecases::{Core, Refusal, Registered, Registration};

use crate::compose::Platform;
use crate::config::DEMO;

/// What the demo account can spend.
const DEMO_CREDITS: u32 = 10_000;

/// Makes the demo account if this is the first start and it is wanted.
pub async fn at_first_start(platform: &Platform, core: &Core) -> anyhow::Result<Option<Registered>> {
    if !platform.config.demo_account || core.account_by_username(DEMO).await?.is_some() {
        return Ok(None);
    }
    let registration = Registration {
        username: DEMO.into(),
        email: "demo@example.com".into(),
        tier: Tier::Enterprise,
        credits: Credits::whole(DEMO_CREDITS),
        scopes: Scopes::Full,
    };
    match core.register(registration).await {
        Ok(account) => Ok(Some(account)),
        // Another process was first, or the operator has the name.
        Err(Refusal::Taken(_)) => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Prints the key, which is shown only now, and a request for each door.
pub fn print(url: &str, account: &Registered) {
    let key = &account.key.secret;
    say!(
        r#"
A demo account was made with {DEMO_CREDITS} credits. Its key, shown only now:

  {key}

GenFire: an image, answered with a finished run
  curl -s {url}/v1/images/generations -H "Authorization: Bearer {key}" -H "Idempotency-Key: first-image" \
    -H "Content-Type: application/json" -d '{{"prompt": "A lighthouse at dusk", "aspect_ratio": "16:9"}}'

Generor: a joke
  curl -s {url}/api/v1/generators/joke/generate -H "Authorization: Bearer {key}" \
    -H "Content-Type: application/json" -d '{{"prompt": "Tell me a joke about programming", "model_id": 3}}'

GirlGeneratorAI: a task to poll
  curl -s {url}/api/v1/generate -H "Authorization: Bearer {key}" \
    -H "Content-Type: application/json" -d '{{"scene": "text-to-image", "prompt": "a cute anime girl"}}'

GraphQL: the balance
  curl -s {url}/graphql -H "Authorization: Bearer {key}" \
    -H "Content-Type: application/json" -d '{{"query": "{{ wallet {{ available held }} }}"}}'

GraphiQL: {url}/graphql   API: {url}/docs   Health: {url}/readyz
"#
    );
}
