//! Routes: which provider runs which models.

use serde::{Deserialize, Serialize};

use super::capability::Capability;

/// A route to a provider. A model that is named goes before one that is meant by its capability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The provider's name in the configuration.
    pub provider: String,
    /// Every model with one of these capabilities.
    #[serde(default)]
    pub capabilities: Vec<Capability>,
    /// These models, by slug.
    #[serde(default)]
    pub models: Vec<String>,
}
