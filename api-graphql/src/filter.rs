//! What lists are narrowed to, and which end of them comes first.

use async_graphql::{Context, Enum};
use mintmark_domain::catalog::MediaType;
use mintmark_projections::generation::CreationFilter;

use crate::error::{GraphqlError, Result};
use crate::input::check_text;
use crate::state::ContextExt as _;

/// Which end of a list comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[graphql(remote = "mintmark_projections::Order")]
pub(crate) enum ListOrder {
    /// The latest.
    #[default]
    Newest,
    /// The earliest.
    Oldest,
}

/// A medium by name.
pub(crate) fn media_type(name: Option<String>) -> Result<Option<MediaType>> {
    let Some(name) = name else { return Ok(None) };
    let known = MediaType::ALL.into_iter().find(|known| known.as_str() == name);
    known.map(Some).ok_or_else(|| GraphqlError::argument("mediaType", "must be text, img, video, audio or svg"))
}

/// A generator's slug. Errors: there is no such generator.
pub(crate) fn generator(ctx: &Context<'_>, slug: Option<String>) -> Result<Option<String>> {
    let catalog = &ctx.core().catalog;
    match slug {
        Some(slug) if catalog.generator(&slug).is_none() => {
            let slugs: Vec<&str> = catalog.generators().map(|known| known.slug.as_str()).collect();
            Err(GraphqlError::argument("generator", format!("must be one of {}", slugs.join(", "))))
        }
        known => Ok(known),
    }
}

/// Creations of a generator and a medium. Errors: there is no such generator, or it makes another medium.
pub(crate) fn creations(
    ctx: &Context<'_>,
    generator: Option<String>,
    media_type: Option<String>,
) -> Result<CreationFilter> {
    let (generator, media_type) = (self::generator(ctx, generator)?, self::media_type(media_type)?);
    let made = generator.as_deref().and_then(|slug| ctx.core().catalog.generator(slug)).map(|known| known.media_type);
    match (made, media_type) {
        (Some(made), Some(wanted)) if made != wanted => {
            Err(GraphqlError::argument("mediaType", format!("must be {}, which this generator makes", made.as_str())))
        }
        _ => Ok(CreationFilter { generator, media_type }),
    }
}

/// A name that is looked for as it stands. Errors: no list could hold it.
pub(crate) fn text(name: &'static str, text: Option<String>) -> Result<Option<String>> {
    text.map(|text| check_text(name, &text).map(|()| text)).transpose()
}
