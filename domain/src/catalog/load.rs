//! From texts to a catalog: parsing, then every check there is. All problems are reported at once.

use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::capability::{Capability, ModelType};
use super::generator::Generator;
use super::lookup::Catalog;
use super::mode::Mode;
use super::model::{
    GenerorListing, GenfireCapabilities, GenfireLimits, GenfireListing, GirlGeneratorListing, Model, ModelStatus,
};
use super::route::Route;
use super::rules::{RuleOverrides, Rules};
use super::sources::{SourceFile, Sources};
use super::verify;
use super::voice::Voice;
use super::workflow::Workflow;
use crate::money::{PriceBook, PriceBooks};

/// Something wrong with the catalog's texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogProblem {
    /// The file's path below the catalog's folder.
    pub file: String,
    /// What in the file (a model's slug, a price's model, …); empty for the file as a whole.
    pub key: String,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl fmt::Display for CatalogProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "catalog/{}: {}", self.file, self.problem)
        } else {
            write!(f, "catalog/{}: {}: {}", self.file, self.key, self.problem)
        }
    }
}

impl std::error::Error for CatalogProblem {}

/// Problems found so far.
#[derive(Default)]
pub(super) struct Problems(pub(super) Vec<CatalogProblem>);

impl Problems {
    pub(super) fn add(&mut self, file: &str, key: impl fmt::Display, problem: impl Into<String>) {
        self.0.push(CatalogProblem { file: file.to_owned(), key: key.to_string(), problem: problem.into() });
    }
}

/// A thing and the file that it was read from.
pub(super) struct Placed<T> {
    pub(super) file: String,
    pub(super) item: T,
}

/// Everything that was read, before it is checked as a whole.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) models: Vec<Placed<Model>>,
    pub(super) generators: Vec<Placed<Generator>>,
    pub(super) voices: Vec<Placed<Voice>>,
    pub(super) routes: Vec<Placed<Route>>,
    pub(super) workflows: Vec<Placed<Workflow>>,
    pub(super) price_books: Vec<Placed<PriceBook>>,
    pub(super) locked: Vec<Placed<LockedAlias>>,
}

/// A line of `aliases.lock`: a name once given stays with its model.
pub(super) struct LockedAlias {
    pub(super) dialect: String,
    pub(super) name: String,
    pub(super) slug: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelFile {
    model: Vec<RawModel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VoiceFile {
    voice: Vec<Voice>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteFile {
    route: Vec<Route>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModel {
    slug: String,
    capability: Capability,
    name: String,
    description: String,
    #[serde(default)]
    unpriced: bool,
    genfire: Option<RawGenfire>,
    generor: Option<RawGeneror>,
    girlgenerator: Option<RawGirlGenerator>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGenfire {
    id: String,
    status: ModelStatus,
    is_default: bool,
    limits: GenfireLimits,
    capabilities: Option<GenfireCapabilities>,
    #[serde(default)]
    rules: RuleOverrides,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGeneror {
    id: u32,
    name: Option<String>,
    description: Option<String>,
    provider: String,
    model_name: String,
    #[serde(default)]
    rules: RuleOverrides,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGirlGenerator {
    id: String,
    #[serde(default)]
    is_default: bool,
    #[serde(default)]
    rules: RuleOverrides,
}

pub(super) fn load(sources: &Sources) -> Result<Catalog, Vec<CatalogProblem>> {
    let mut problems = Problems::default();
    let mut draft = Draft::default();
    let mut raw_models = Vec::new();
    for file in sources.files() {
        read(file, &mut draft, &mut raw_models, &mut problems);
    }
    let voice_default = draft.voices.iter().find(|voice| voice.item.is_default).map(|voice| voice.item.id.clone());
    for Placed { file, item } in raw_models {
        if let Some(model) = finish(item, voice_default.as_deref(), &file, &mut problems) {
            draft.models.push(Placed { file, item: model });
        }
    }
    verify::all(&draft, &mut problems);
    if !problems.0.is_empty() {
        return Err(problems.0);
    }
    Ok(Catalog::assemble(
        items(draft.models),
        items(draft.generators),
        items(draft.voices),
        items(draft.routes),
        items(draft.workflows),
        PriceBooks::new(items(draft.price_books)),
    ))
}

fn placed<T>(file: &SourceFile, item: T) -> Placed<T> {
    Placed { file: file.path.clone(), item }
}

fn items<T>(from: Vec<Placed<T>>) -> Vec<T> {
    from.into_iter().map(|from| from.item).collect()
}

fn read(file: &SourceFile, draft: &mut Draft, models: &mut Vec<Placed<RawModel>>, problems: &mut Problems) {
    match file.path.split_once('/').map_or(file.path.as_str(), |(folder, _)| folder) {
        "models" => {
            let parsed = parse::<ModelFile>(file, problems);
            models.extend(parsed.into_iter().flat_map(|p| p.model).map(|item| placed(file, item)));
        }
        "price-books" => {
            draft.price_books.extend(parse(file, problems).map(|item| placed(file, item)));
        }
        "generators" => draft.generators.extend(parse(file, problems).map(|item| placed(file, item))),
        "workflows" => draft.workflows.extend(parse(file, problems).map(|item| placed(file, item))),
        "voices.toml" => {
            let parsed = parse::<VoiceFile>(file, problems);
            draft.voices.extend(parsed.into_iter().flat_map(|p| p.voice).map(|item| placed(file, item)));
        }
        "routes.toml" => {
            let parsed = parse::<RouteFile>(file, problems);
            draft.routes.extend(parsed.into_iter().flat_map(|p| p.route).map(|item| placed(file, item)));
        }
        "aliases.lock" => read_lock(file, draft, problems),
        _ => problems.add(
            &file.path,
            "",
            "is not part of a catalog; known are models/, price-books/, generators/, workflows/, voices.toml, routes.toml and aliases.lock",
        ),
    }
}

fn parse<T: DeserializeOwned>(file: &SourceFile, problems: &mut Problems) -> Option<T> {
    match toml::from_str(&file.text) {
        Ok(parsed) => Some(parsed),
        Err(error) => {
            problems.add(&file.path, "", error.to_string().trim_end().to_owned());
            None
        }
    }
}

fn read_lock(file: &SourceFile, draft: &mut Draft, problems: &mut Problems) {
    for (at, line) in file.text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            [dialect, name, slug] => draft.locked.push(placed(
                file,
                LockedAlias { dialect: dialect.to_owned(), name: name.to_owned(), slug: slug.to_owned() },
            )),
            _ => problems.add(&file.path, format_args!("line {}", at + 1), "is not `dialect name slug`"),
        }
    }
}

fn finish(raw: RawModel, voice_default: Option<&str>, file: &str, problems: &mut Problems) -> Option<Model> {
    let RawModel { slug, capability, name, description, unpriced, genfire, generor, girlgenerator } = raw;
    let genfire_rules =
        genfire.as_ref().map(|raw| Rules::genfire(capability, &raw.limits, raw.capabilities.as_ref(), &raw.rules));
    let generor_rules =
        generor.as_ref().map(|raw| Rules::generor(capability, genfire_rules.as_ref(), voice_default, &raw.rules));
    let girlgenerator_rules = girlgenerator.as_ref().map(|raw| Rules::girlgenerator(capability, &raw.rules));
    let generor = match generor.map(|raw| listed(raw, capability, &name, &description, generor_rules.as_ref())) {
        None => None,
        Some(Some(listing)) => Some(listing),
        Some(None) => {
            problems.add(file, &slug, format!("[model.generor]: there is no list for {capability}"));
            return None;
        }
    };
    Some(Model {
        genfire: genfire.map(|raw| GenfireListing {
            id: raw.id,
            object: "model",
            capability,
            name: name.clone(),
            description: description.clone(),
            status: raw.status,
            is_default: raw.is_default,
            limits: raw.limits,
            capabilities: raw.capabilities,
        }),
        generor,
        girlgenerator: girlgenerator.map(|raw| GirlGeneratorListing { id: raw.id, is_default: raw.is_default }),
        slug,
        capability,
        name,
        description,
        unpriced,
        genfire_rules,
        generor_rules,
        girlgenerator_rules,
    })
}

fn listed(
    raw: RawGeneror,
    capability: Capability,
    name: &str,
    description: &str,
    rules: Option<&Rules>,
) -> Option<GenerorListing> {
    let takes = |mode| rules.is_some_and(|rules| rules.modes.contains(&mode));
    Some(GenerorListing {
        id: raw.id,
        model_type: ModelType::of(capability)?,
        name: raw.name.unwrap_or_else(|| name.to_owned()),
        description: raw.description.unwrap_or_else(|| description.to_owned()),
        provider: raw.provider,
        model_name: raw.model_name,
        supports_img2img: takes(Mode::ImageToOutput) || takes(Mode::Vision),
        supports_aspect_ratio: rules.is_some_and(|rules| !rules.aspect_ratios.is_empty()),
    })
}
