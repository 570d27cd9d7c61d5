//! Scopes in plain words, and how they are chosen.

use maud::{Markup, html};
use mintmark_domain::account::{Scope, Scopes};

use super::fault::Fault;
use crate::http::Problem;

/// What a scope allows, as a person would say it.
pub(super) fn in_words(scope: Scope) -> &'static str {
    match scope {
        Scope::AccountRead => "See your profile and your keys",
        Scope::AudioWrite => "Make speech, music and sounds, which costs credits",
        Scope::BatchesRead => "See your batches",
        Scope::BatchesWrite => "Run batches, which costs credits",
        Scope::CreditsRead => "See your balance and how it came about",
        Scope::ImagesWrite => "Make images, which costs credits",
        Scope::InfluencersRead => "See your voices and influencers",
        Scope::LipsyncWrite => "Make lip-synced videos, which costs credits",
        Scope::ModelsRead => "See models and prices",
        Scope::ProductsWrite => "Read product pages, which costs credits",
        Scope::RunsRead => "See your runs and what they made",
        Scope::UploadsWrite => "Upload files",
        Scope::VideosWrite => "Make videos, which costs credits",
        Scope::WebhooksRead => "See your webhooks and their deliveries",
        Scope::WebhooksWrite => "Change your webhooks",
        Scope::WorkflowsRead => "See workflows",
        Scope::WorkflowsWrite => "Run workflows and make texts, which costs credits",
        Scope::EventsRead => "See everything that happened to your account",
        Scope::SocialWrite => "Publish, follow, comment and rate in your name",
        Scope::TeamsWrite => "Make and leave teams",
        Scope::KeysWrite => "Make and revoke keys",
        Scope::ProfileWrite => "Change your profile",
        Scope::Read => "See everything",
        Scope::Write => "Change everything that is not generation",
        Scope::Generate => "Generate everything, which costs credits",
        Scope::AuditRead => "Read the books of all accounts",
        Scope::Admin => "Operate the server",
    }
}

/// A box for each scope.
pub(super) fn choices(scopes: impl Iterator<Item = Scope>, checked: bool) -> Markup {
    html! {
        div class="choices" {
            @for scope in scopes {
                label class="choice" {
                    input type="checkbox" name="scope" value=(scope.as_str()) checked[checked];
                    span { (in_words(scope)) code { (scope.as_str()) } }
                }
            }
        }
    }
}

/// The fine scopes that a person may give away, each by itself.
pub(super) fn grantable() -> impl Iterator<Item = Scope> {
    Scope::ALL.iter().copied().filter(|scope| !scope.is_operators() && scope.expanded() == [*scope])
}

/// What boxes were checked. Errors: a name that is no scope.
pub(super) fn chosen(names: &[&str]) -> Result<Scopes, Fault> {
    let scopes: Result<Vec<Scope>, _> = names.iter().map(|name| name.parse()).collect();
    Ok(Scopes::only(scopes.map_err(|_| Problem::invalid("There is no such scope."))?))
}
