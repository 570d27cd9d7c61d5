//! Stock voices.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A voice that every account may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    /// What requests name it by. Never changed.
    pub id: String,
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// Whose voice it is.
    pub provider: String,
    /// The language it speaks best, as a language code.
    pub language: String,
    /// Taken where a dialect has no field for a voice.
    #[serde(default)]
    pub is_default: bool,
    /// Since when it is offered.
    pub created_at: Timestamp,
}
