//! Runs, and what they make.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _};
use mintmark_domain::catalog::{Dialect, FieldType, Generator, GeneratorStatus, ImageInput, MediaType, OutputField};
use mintmark_domain::creation::{Output, Privacy, asset_key};
use mintmark_domain::run::{AttemptRef, FailureReason, RequestedRun};
use mintmark_domain::usecases::{Caller, Conclusion, Core, Delivery, DeliveryContent, GeneratorRequest};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::Size;
use crate::chance::{Chance, Skew};
use crate::core::{AT_ONCE, NODE, Stage};
use crate::people::People;
use crate::words::Words;

/// How many runs are drawn at once.
const CHUNK: usize = 256;
/// How skewed is who makes much.
const PRODUCTIVE: f64 = 1.0;
/// How many of a thousand runs fail.
const FAILING: u32 = 30;
/// How many of a thousand are private.
const PRIVATE: u32 = 100;
/// The most pictures that are asked for at once.
const PICTURES_MAX: usize = 4;
/// How many of the newest creations are talked about.
pub(crate) const NEWEST: usize = 20_000;
/// How many of the first are talked about for ever.
pub(crate) const EVERGREEN: usize = 100;
/// How many numbers are named at the end.
const SAMPLE: usize = 2_000;
/// Of these, how many are those that most is said of.
const MOST_SAID: usize = 50;

/// A creation that everybody may see.
#[derive(Clone, Copy)]
pub(crate) struct Work {
    pub id: Uuid,
    pub number: u64,
}

/// What is made.
pub(crate) struct Works {
    words: Arc<Words>,
    authors: Skew,
    generators: Vec<Generator>,
    popular: Skew,
    done: usize,
    every: usize,
    sample: Vec<u64>,
    pub evergreen: Vec<Work>,
    pub newest: VecDeque<Work>,
    pub said: HashMap<u64, u32>,
}

/// A run to be made.
struct Plan {
    caller: Caller,
    request: GeneratorRequest,
    fails: bool,
    fields: Map<String, Value>,
}

impl Works {
    pub fn new(stage: &Stage, words: Arc<Words>, size: Size) -> Self {
        let catalog = &stage.core.catalog;
        let usable = |generator: &&Generator| {
            let model = catalog.model(&generator.default_model);
            generator.status == GeneratorStatus::Active
                && generator.image_input != ImageInput::Required
                && matches!(generator.media_type, MediaType::Img | MediaType::Text)
                && model.is_some_and(|model| model.generor.is_some())
        };
        let generators: Vec<Generator> = catalog.generators().filter(usable).cloned().collect();
        Works {
            words,
            authors: Skew::new(size.accounts, PRODUCTIVE),
            popular: Skew::new(generators.len(), 1.0),
            generators,
            done: 0,
            every: (size.creations / SAMPLE).max(1),
            sample: Vec::new(),
            evergreen: Vec::new(),
            newest: VecDeque::new(),
            said: HashMap::new(),
        }
    }

    /// Lets runs be made until there are so many creations, or a few more.
    pub async fn until(
        &mut self,
        stage: &Stage,
        people: &People,
        target: usize,
        chance: &mut Chance,
    ) -> anyhow::Result<()> {
        while self.done < target {
            let most = CHUNK.min(target - self.done);
            let plans: Vec<Plan> = (0..most).map(|_| self.plan(people, chance)).collect();
            let runs = futures::stream::iter(plans).map(|plan| run(&stage.core, plan)).buffered(AT_ONCE);
            let made: Vec<(usize, Vec<Work>)> = runs.try_collect().await?;
            for (asked, works) in made {
                self.take(asked, works);
            }
        }
        Ok(())
    }

    fn plan(&self, people: &People, chance: &mut Chance) -> Plan {
        let author = self.authors.draw(chance);
        let generator = &self.generators[self.popular.draw(chance)];
        let pictures = generator.media_type == MediaType::Img;
        let private = chance.in_thousand(PRIVATE);
        let count = pictures.then(|| 1 + chance.below(PICTURES_MAX) as i64);
        let length = 5 + chance.below(20);
        let fields = if pictures { Map::new() } else { self.fields(generator, chance) };
        let request = GeneratorRequest {
            team: None,
            dialect: Dialect::Generor,
            generator: generator.slug.clone(),
            model: None,
            prompt: self.words.text(length, chance),
            privacy: if private { Privacy::Private } else { Privacy::Public },
            count,
            language: None,
            temperature: None,
            preference: None,
            preference_two: None,
            aspect_ratio: None,
            seconds: None,
            generate_audio: None,
            image: None,
            ending_frame: None,
            reference_images: Vec::new(),
            reference_videos: Vec::new(),
            reference_audio: None,
            video: None,
            route: "POST /api/v1/generators/{slug}/generate".to_owned(),
            operation: "generators.generate".to_owned(),
            idempotency: None,
        };
        Plan { caller: people.caller(author), request, fails: chance.in_thousand(FAILING), fields }
    }

    fn fields(&self, generator: &Generator, chance: &mut Chance) -> Map<String, Value> {
        let mut filled = |field: &OutputField| match field.field_type {
            FieldType::String => self.words.text(12, chance).into(),
            FieldType::Integer => field.min.unwrap_or(1).into(),
            FieldType::StringList => {
                (0..field.min.unwrap_or(3)).map(|_| Value::from(self.words.text(6, chance))).collect()
            }
        };
        generator.fields.iter().map(|field| (field.name.clone(), filled(field))).collect()
    }

    fn take(&mut self, asked: usize, works: Vec<Work>) {
        for work in works {
            if self.evergreen.len() < EVERGREEN {
                self.evergreen.push(work);
            } else {
                self.newest.push_back(work);
            }
            if self.sample.len() < SAMPLE && self.done / self.every >= self.sample.len() {
                self.sample.push(work.number);
            }
        }
        self.done += asked;
        let beyond = self.newest.len().saturating_sub(NEWEST);
        self.newest.drain(..beyond);
    }

    /// What may still be talked about.
    pub fn talked_about(&self) -> HashSet<Uuid> {
        self.evergreen.iter().chain(&self.newest).map(|work| work.id).collect()
    }

    /// Numbers from all of the history.
    pub fn sample(&self) -> Vec<u64> {
        self.sample.clone()
    }

    /// The numbers that most was said of.
    pub fn most_said(&self) -> Vec<u64> {
        let mut all: Vec<(u32, u64)> = self.said.iter().map(|(number, times)| (*times, *number)).collect();
        all.sort_unstable_by(|one, other| other.cmp(one));
        all.truncate(MOST_SAID);
        all.into_iter().map(|(_, number)| number).collect()
    }

    /// The slugs of the generators, the most used first.
    pub fn generators(&self) -> Vec<String> {
        self.generators.iter().map(|generator| generator.slug.clone()).collect()
    }
}

/// Makes one run and ends it; how many creations it has, and those that everybody may see.
async fn run(core: &Core, plan: Plan) -> anyhow::Result<(usize, Vec<Work>)> {
    let public = plan.request.privacy == Privacy::Public && !plan.fails;
    let user_id = plan.caller.user_id;
    let accepted = core.generate(&plan.caller, plan.request).await?;
    let requested = accepted.run.requested().context("an accepted run was requested")?;
    let outputs = delivered(requested, user_id, plan.fields, plan.fails);
    let attempt = Some(AttemptRef { number: 1, node: NODE.to_owned() });
    let conclusion = Conclusion::Finished { outputs, quality: None, reported_cost: None };
    core.conclude_run(accepted.run_id, requested, attempt, conclusion).await?;
    let works = requested.creations.iter().filter(|_| public);
    let works = works.map(|creation| Work { id: creation.id.0, number: creation.number }).collect();
    Ok((requested.creations.len(), works))
}

/// What the provider made of each output.
fn delivered(requested: &RequestedRun, user_id: u64, fields: Map<String, Value>, fails: bool) -> Vec<Delivery> {
    let media_type = requested.parameters.media_type;
    let one = |number: u64| match media_type {
        _ if fails => Err(FailureReason { code: "provider_failed".into(), message: "Nothing was made.".into() }),
        MediaType::Text => Ok(DeliveryContent::Text(fields.clone())),
        MediaType::Img | MediaType::Video | MediaType::Audio | MediaType::Svg => {
            Ok(DeliveryContent::Asset(Output::Asset {
                key: asset_key(user_id, media_type, number, "png"),
                content_type: "image/png".to_owned(),
                size_bytes: 200_000 + number % 100_000,
                width: Some(1_024),
                height: Some(1_024),
                duration_ms: None,
                details: None,
            }))
        }
    };
    requested.creations.iter().map(|creation| one(creation.number)).collect()
}
