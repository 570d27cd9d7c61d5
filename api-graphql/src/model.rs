//! Models with their prices, generators, charging rules.

use async_graphql::{Object, SimpleObject};
use mintmark_domain::catalog::{self, Dialect, Durations, Rules, VoiceRule};
use mintmark_domain::money::ChargingRule;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use crate::scalar::Credits;
use crate::state::ContextExt as _;

/// Which lengths may be asked for.
#[derive(Debug, PartialEq, Eq, SimpleObject)]
pub(crate) struct LengthLimits {
    /// The least, in seconds.
    min: u32,
    /// The most, in seconds.
    max: u32,
    /// These alone, in rising order; empty where any whole number from the least to the most may be.
    only: Vec<u32>,
}

impl LengthLimits {
    /// `None` where there is no choice.
    fn of(durations: &Durations) -> Option<Self> {
        let whole = |seconds: &Decimal| seconds.to_u32().unwrap_or(u32::MAX);
        match durations {
            Durations::None | Durations::Flat | Durations::AsInput { .. } => None,
            Durations::OneOf { seconds } => {
                Some(LengthLimits { min: *seconds.iter().min()?, max: *seconds.iter().max()?, only: seconds.clone() })
            }
            Durations::Whole { min, max } => Some(LengthLimits { min: *min, max: *max, only: Vec::new() }),
            Durations::Between { min, max, .. } => {
                Some(LengthLimits { min: whole(min), max: whole(max), only: Vec::new() })
            }
        }
    }
}

/// What may be asked of a model in one request.
#[derive(SimpleObject)]
pub(crate) struct ModelLimits {
    /// The longest prompt, or text to be spoken, in characters.
    max_prompt_characters: u32,
    /// The most outputs.
    max_count: u32,
    /// Ratios; empty where there is no choice.
    aspect_ratios: Vec<String>,
    /// Lengths; null where there is no choice.
    seconds: Option<LengthLimits>,
    /// The most reference images.
    max_reference_images: u32,
    /// The most reference videos.
    max_reference_videos: u32,
}

impl From<&Rules> for ModelLimits {
    fn from(rules: &Rules) -> Self {
        let spoken = rules.voice != VoiceRule::Unused;
        ModelLimits {
            max_prompt_characters: if spoken { rules.characters_max } else { rules.prompt_chars_max },
            max_count: rules.count_max,
            aspect_ratios: rules.aspect_ratios.clone(),
            seconds: LengthLimits::of(&rules.durations),
            max_reference_images: rules.references_max,
            max_reference_videos: rules.reference_videos_max,
        }
    }
}

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

    /// What it makes: `text`, `img`, `video`, `audio`, `svg`.
    async fn media_type(&self) -> &str {
        self.0.media_type().as_str()
    }

    /// Who runs it, as the Generor dialect says; null of a model that is not listed there.
    async fn provider(&self) -> Option<&str> {
        self.0.generor.as_ref().map(|listing| listing.provider.as_str())
    }

    /// Whether it takes a source image, as the Generor dialect says; null of a model that is not listed there.
    #[graphql(name = "supportsImg2img")]
    async fn supports_img2img(&self) -> Option<bool> {
        self.0.generor.as_ref().map(|listing| listing.supports_img2img)
    }

    /// Whether a ratio can be chosen, as the Generor dialect says; null of a model that is not listed there.
    async fn supports_aspect_ratio(&self) -> Option<bool> {
        self.0.generor.as_ref().map(|listing| listing.supports_aspect_ratio)
    }

    /// What holds for `createRun`: its limits in the GenFire dialect, where it is listed there.
    async fn limits(&self) -> Option<ModelLimits> {
        self.0.rules(Dialect::Native).map(ModelLimits::from)
    }

    /// What holds for `generate`: its limits in the Generor dialect, where it is listed there.
    async fn generator_limits(&self) -> Option<ModelLimits> {
        self.0.rules(self.0.dialect_of_generators()).map(ModelLimits::from)
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
