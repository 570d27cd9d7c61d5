//! The demo account of a first start, and first requests to paste.

use mintmark_domain::Credits;
use mintmark_domain::account::{Scopes, Tier};
use mintmark_domain::usecases::{Core, LINK_DAYS, Refusal, Registered, Registration};

use crate::compose::Platform;
use crate::config::DEMO;

/// What the demo account can spend.
const DEMO_CREDITS: u32 = 10_000;

/// The demo account that was just made.
pub struct Demo {
    account: Registered,
    /// Where its person sets a password, once; none where that could not be made.
    link: Option<String>,
}

/// Makes the demo account if this is the first start and it is wanted.
pub async fn at_first_start(platform: &Platform, core: &Core) -> anyhow::Result<Option<Demo>> {
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
        Ok(account) => {
            let link = core.new_link(account.account).await;
            let link =
                link.inspect_err(|error| tracing::warn!(%error, "no sign-in link was made for the demo account"));
            Ok(Some(Demo { account, link: link.ok() }))
        }
        // Another process was first, or the operator has the name.
        Err(Refusal::Taken(_)) => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Prints the key, which is shown only now, the sign-in link, and a request for each door.
pub fn print(url: &str, demo: &Demo) {
    let key = &demo.account.key.secret;
    let link = demo.link.as_deref().unwrap_or("`mintmark account link demo` makes a link");
    say!(
        r#"
A demo account was made with {DEMO_CREDITS} credits. Its key, shown only now:

  {key}

To sign in as a person, set a password (once, within {LINK_DAYS} days):

  {link}

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
