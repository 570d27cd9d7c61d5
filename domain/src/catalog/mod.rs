//! The catalog: models and their limits, generators, stock voices and routes to providers. Data that
//! an operator edits, checked at start, immutable afterwards.

mod ask;
mod capability;
mod check;
mod choices;
mod generator;
mod load;
mod lookup;
mod mode;
mod model;
mod problem;
mod route;
mod rules;
mod sources;
#[cfg(test)]
pub(crate) mod tests;
mod verify;
mod voice;
mod workflow;

pub use ask::{Ask, Checked};
pub use capability::{Capability, Dialect, MediaType, ModelType};
pub use choices::{ChoiceRules, Choices, SyncMode};
pub use generator::{
    FieldProblem, FieldType, Filling, Generator, GeneratorStatus, ImageInput, OutputField, Preference,
    PreferenceOption, PreferenceValue,
};
pub use load::CatalogProblem;
pub use lookup::Catalog;
pub use mode::{Inputs, Mode};
pub use model::{
    GenerorListing, GenfireCapabilities, GenfireLimits, GenfireListing, GirlGeneratorListing, Model, ModelStatus,
};
pub use problem::{AskCode, AskField, AskProblem, AskReason};
pub use route::Route;
pub use rules::{AudioRule, Durations, PromptRule, ResolutionRule, Rules, VoiceRule};
pub use sources::{SourceFile, Sources};
pub use voice::Voice;
pub use workflow::{
    AnswerProblem, Assembly, Computed, Example, InputProblem, Schema, Workflow, WorkflowStatus, workflow_capability,
};
