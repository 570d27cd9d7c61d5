//! Models with their prices, generators, charging rules.

use async_graphql::{Object, SimpleObject};
use mintmark_domain::catalog::{self, Dialect};
use mintmark_domain::money::ChargingRule;

use crate::scalar::Credits;
use crate::state::ContextExt as _;

/// A model.
pub(crate) struct Model(pub catalog::Model);

/// A model, with what it costs.
#[Object]
impl Model {
    /// The canonical name.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// For people.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// For people.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// What it does: `image_generation`, `video_generation` …
    async fn capability(&self) -> &str {
        self.0.capability.as_str()
    }

    /// What the GenFire dialect calls it.
    async fn genfire_id(&self) -> Option<String> {
        self.0.name_in(Dialect::Genfire)
    }

    /// What the Generor dialect calls it.
    async fn generor_id(&self) -> Option<i32> {
        self.0.generor.as_ref().and_then(|listing| listing.id.try_into().ok())
    }

    /// Whether it can be run here now.
    async fn available(&self, ctx: &async_graphql::Context<'_>) -> bool {
        ctx.core().catalog.route(&self.0).is_some() && !self.0.unpriced
    }

    /// The unit in which it is priced: `per_image`, `per_second`, `per_character`, `per_run`.
    async fn price_unit(&self, ctx: &async_graphql::Context<'_>) -> Option<&'static str> {
        let core = ctx.core();
        core.catalog.prices().at(core.now())?.price(&self.0.slug).map(|price| price.unit.as_str())
    }

    /// Credits for one unit.
    async fn unit_price(&self, ctx: &async_graphql::Context<'_>) -> Option<Credits> {
        let core = ctx.core();
        core.catalog.prices().at(core.now())?.price(&self.0.slug).map(|price| price.credits.into())
    }

    /// Credits for one output with every default.
    async fn credit_cost(&self, ctx: &async_graphql::Context<'_>) -> Option<Credits> {
        let core = ctx.core();
        let book = core.catalog.prices().at(core.now())?;
        book.credit_cost(&self.0, Dialect::Native).ok().map(Into::into)
    }
}

/// A line of the published charging rules.
#[derive(SimpleObject)]
#[graphql(name = "ChargingRule")]
pub(crate) struct Rule {
    /// The code that receipts name.
    code: &'static str,
    /// When it applies.
    applies_when: &'static str,
    /// What is charged.
    text: &'static str,
}

impl From<ChargingRule> for Rule {
    fn from(rule: ChargingRule) -> Self {
        Rule { code: rule.code(), applies_when: rule.applies_when(), text: rule.text() }
    }
}
