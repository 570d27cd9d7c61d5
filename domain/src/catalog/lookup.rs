//! The loaded catalog and the ways to look things up in it.

use std::collections::HashMap;

use super::capability::{Capability, Dialect};
use super::generator::Generator;
use super::load::{self, CatalogProblem};
use super::model::Model;
use super::route::Route;
use super::sources::Sources;
use super::voice::Voice;
use super::workflow::Workflow;
use crate::money::PriceBooks;

/// Models, generators, voices, routes and prices: checked, and immutable from then on.
#[derive(Clone, Debug)]
pub struct Catalog {
    models: Vec<Model>,
    generators: Vec<Generator>,
    voices: Vec<Voice>,
    routes: Vec<Route>,
    workflows: Vec<Workflow>,
    prices: PriceBooks,
    by_slug: HashMap<String, usize>,
    by_alias: HashMap<(Dialect, String), usize>,
}

impl Catalog {
    /// Reads and checks everything. Errors: every problem found, each with its file and key.
    pub fn load(sources: &Sources) -> Result<Self, Vec<CatalogProblem>> {
        load::load(sources)
    }

    pub(super) fn assemble(
        models: Vec<Model>,
        generators: Vec<Generator>,
        voices: Vec<Voice>,
        routes: Vec<Route>,
        workflows: Vec<Workflow>,
        prices: PriceBooks,
    ) -> Self {
        let mut by_slug = HashMap::new();
        let mut by_alias = HashMap::new();
        for (at, model) in models.iter().enumerate() {
            by_slug.insert(model.slug.clone(), at);
            for dialect in Dialect::ALL {
                if let Some(name) = model.name_in(dialect) {
                    by_alias.insert((dialect, name), at);
                }
            }
        }
        Catalog { models, generators, voices, routes, workflows, prices, by_slug, by_alias }
    }

    /// Every model, in the order of the documents.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.iter()
    }

    /// The models that `dialect` offers, in the order of the documents.
    pub fn offered_in(&self, dialect: Dialect) -> impl Iterator<Item = &Model> {
        self.models.iter().filter(move |model| model.rules(dialect).is_some())
    }

    /// The model of that slug.
    #[must_use]
    pub fn model(&self, slug: &str) -> Option<&Model> {
        self.by_slug.get(slug).map(|at| &self.models[*at])
    }

    /// The model that `dialect` calls by that name. For [`Dialect::Native`] the slug, or any
    /// dialect's name.
    #[must_use]
    pub fn find(&self, dialect: Dialect, name: &str) -> Option<&Model> {
        let named = |dialect| self.by_alias.get(&(dialect, name.to_owned())).map(|at| &self.models[*at]);
        match dialect {
            Dialect::Generor | Dialect::Genfire | Dialect::GirlGenerator => named(dialect),
            Dialect::Native => [Dialect::Native, Dialect::Genfire, Dialect::Generor, Dialect::GirlGenerator]
                .into_iter()
                .find_map(named),
        }
    }

    /// The model of that GenFire alias (`image.nano_banana_2`).
    #[must_use]
    pub fn by_genfire_id(&self, id: &str) -> Option<&Model> {
        self.find(Dialect::Genfire, id)
    }

    /// The model of that Generor integer.
    #[must_use]
    pub fn by_generor_id(&self, id: u32) -> Option<&Model> {
        self.find(Dialect::Generor, &id.to_string())
    }

    /// The model that `dialect` takes where none is named. For [`Dialect::Generor`], which always has
    /// one named, and for [`Dialect::Native`] the first of that capability if no document names one.
    #[must_use]
    pub fn default_model(&self, dialect: Dialect, capability: Capability) -> Option<&Model> {
        let genfire = || {
            self.models.iter().find(|model| {
                model.capability == capability && model.genfire.as_ref().is_some_and(|listing| listing.is_default)
            })
        };
        match dialect {
            Dialect::Genfire => genfire(),
            Dialect::GirlGenerator => self.models.iter().find(|model| {
                model.capability == capability && model.girlgenerator.as_ref().is_some_and(|listing| listing.is_default)
            }),
            Dialect::Generor | Dialect::Native => genfire()
                .filter(|model| model.rules(dialect).is_some())
                .or_else(|| self.offered_in(dialect).find(|model| model.capability == capability)),
        }
    }

    /// The route that the model takes: one that names it, else one for its capability. `None`: it is
    /// listed, and refused as `model_unavailable`.
    #[must_use]
    pub fn route(&self, model: &Model) -> Option<&Route> {
        self.routes
            .iter()
            .find(|route| route.models.contains(&model.slug))
            .or_else(|| self.routes.iter().find(|route| route.capabilities.contains(&model.capability)))
    }

    /// The route of what has no model; `None`: it is refused as `model_unavailable`.
    #[must_use]
    pub fn route_of(&self, capability: Capability) -> Option<&Route> {
        self.routes.iter().find(|route| route.capabilities.contains(&capability))
    }

    /// Every workflow, in the order of the document.
    pub fn workflows(&self) -> impl Iterator<Item = &Workflow> {
        self.workflows.iter()
    }

    /// The workflow of that key.
    #[must_use]
    pub fn workflow(&self, key: &str) -> Option<&Workflow> {
        self.workflows.iter().find(|workflow| workflow.key == key)
    }

    /// Every route.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter()
    }

    /// Every generator.
    pub fn generators(&self) -> impl Iterator<Item = &Generator> {
        self.generators.iter()
    }

    /// The generator of that slug.
    #[must_use]
    pub fn generator(&self, slug: &str) -> Option<&Generator> {
        self.generators.iter().find(|generator| generator.slug == slug)
    }

    /// Every stock voice.
    pub fn voices(&self) -> impl Iterator<Item = &Voice> {
        self.voices.iter()
    }

    /// The stock voice of that id.
    #[must_use]
    pub fn voice(&self, id: &str) -> Option<&Voice> {
        self.voices.iter().find(|voice| voice.id == id)
    }

    /// Every price book.
    #[must_use]
    pub fn prices(&self) -> &PriceBooks {
        &self.prices
    }
}
