//! Answers to workflows: structured, about what was asked, in the form that the workflow's schema wants.

use mintmark_domain::ports::{OutputReport, WorkflowJob};
use mintmark_media::{Script, ScriptSpec, make_script};
use serde_json::{Map, Value, json};

use super::cards::Cards;

/// Spoken words for `short`, `medium` and `long`.
const WORDS: [(&str, usize); 3] = [("short", 50), ("medium", 100), ("long", 180)];
/// The usual number of words.
const WORDS_USUAL: usize = 100;
/// How many seconds are taken seriously.
const SECONDS_MAX: f64 = 360.0;
/// Shots of a storyboard, and how long each is in seconds.
const SHOTS: u64 = 6;
const SHOT_SECONDS: u64 = 5;
/// How many values a list has that does not say how many.
const ITEMS_USUAL: u64 = 3;
/// How deep a schema is followed.
const DEPTH_MAX: usize = 6;

/// Answers a workflow.
pub(super) fn answer(workflow: &WorkflowJob, prompt: &str, seed: u64) -> OutputReport {
    let script = Asked::of(workflow, prompt).script(seed);
    let mut fields = Map::new();
    let properties = workflow.answer_schema.get("properties").and_then(Value::as_object);
    for (name, schema) in properties.into_iter().flatten() {
        let writer = Writer { workflow, prompt, seed };
        fields.insert(name.clone(), writer.value(name, schema, &script, DEPTH_MAX));
    }
    OutputReport::Text(fields)
}

/// What the workflow's fields ask of a script.
struct Asked {
    topic: String,
    audience: String,
    tone: String,
    words: usize,
    keywords: Vec<String>,
    hooks: usize,
}

impl Asked {
    fn of(workflow: &WorkflowJob, prompt: &str) -> Self {
        let said = |name: &str| workflow.fields.get(name).and_then(Value::as_str).map(|text| Cards::read(text).1);
        let read = |name: &str| workflow.product.as_ref()?.get(name)?.as_str().map(str::to_owned);
        let topic = said("product_name").or_else(|| read("title")).or_else(|| said("prompt"));
        // Two and a half words a second.
        let seconds = workflow.fields.get("target_duration").and_then(Value::as_f64);
        let by_length = said("length").and_then(|length| WORDS.iter().find(|(name, _)| **name == *length));
        let words = match seconds {
            Some(seconds) => (seconds.clamp(0.0, SECONDS_MAX) * 2.5) as usize,
            None => by_length.map_or(WORDS_USUAL, |(_, words)| *words),
        };
        let keywords = workflow.fields.get("keywords").and_then(Value::as_array);
        let hooks = workflow.answer_schema.pointer("/properties/hooks/minItems").and_then(Value::as_u64);
        Asked {
            topic: topic.unwrap_or_else(|| prompt.to_owned()),
            audience: said("audience").unwrap_or_default(),
            tone: said("tone").unwrap_or_default(),
            words,
            keywords: keywords.into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect(),
            hooks: usize::try_from(hooks.unwrap_or(1)).unwrap_or(1),
        }
    }

    fn script(&self, seed: u64) -> Script {
        make_script(ScriptSpec {
            topic: &self.topic,
            audience: &self.audience,
            tone: &self.tone,
            words: self.words,
            keywords: &self.keywords,
            hooks: self.hooks,
            seed,
        })
    }
}

/// Fills a schema.
struct Writer<'a> {
    workflow: &'a WorkflowJob,
    prompt: &'a str,
    seed: u64,
}

impl Writer<'_> {
    /// A value for a field: what is understood by its name, else whatever fits its schema.
    fn value(&self, name: &str, schema: &Value, script: &Script, depth: usize) -> Value {
        let text = |text: &str| Value::from(text);
        match name {
            "hooks" => script.hooks.clone().into(),
            "body" => text(&script.body),
            "call_to_action" => text(&script.call_to_action),
            "full_script" | "script" => text(&script.full_script),
            "strategy" => text(&script.strategy),
            "marketingAngles" => script.angles.clone().into(),
            "variants" => self.variants(schema, depth),
            "palette" => json!(["#1B2A41", "#F4A259", "#F7F7F2"]),
            "shot_list" => (1..=SHOTS).map(|shot| self.shot(shot, script)).collect(),
            "storyboard" => (1..=SHOTS).map(|frame| self.frame(frame, script)).collect(),
            _ => self.by_schema(name, schema, script, depth),
        }
    }

    fn variants(&self, schema: &Value, depth: usize) -> Value {
        let wanted = self.workflow.fields.get("variant_count").and_then(Value::as_f64).unwrap_or(3.0);
        let items = schema.get("items").cloned().unwrap_or_default();
        let properties = items.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let asked = Asked::of(self.workflow, self.prompt);
        let variant = |at: u64| -> Value {
            let script = asked.script(self.seed.wrapping_add(at));
            let fields = properties.iter();
            fields.map(|(name, schema)| (name.clone(), self.value(name, schema, &script, depth - 1))).collect()
        };
        (0..wanted.clamp(1.0, 5.0) as u64).map(variant).collect()
    }

    fn shot(&self, shot: u64, script: &Script) -> Value {
        let description = format!("Shot {shot}: {}", self.sentence(shot, script));
        json!({"shot": shot, "description": description, "duration_seconds": SHOT_SECONDS})
    }

    fn frame(&self, frame: u64, script: &Script) -> Value {
        let caption = self.sentence(frame, script);
        json!({"frame": frame, "description": format!("Frame {frame} shows what is said: {caption}"), "caption": caption})
    }

    /// A sentence of the script, in turn.
    fn sentence(&self, at: u64, script: &Script) -> String {
        let sentences: Vec<&str> = script.full_script.split_inclusive(['.', '?', '!']).map(str::trim).collect();
        let at = usize::try_from(at.saturating_sub(1)).unwrap_or(0);
        sentences.get(at % sentences.len().max(1)).map_or_else(|| script.body.clone(), |text| (*text).to_owned())
    }

    /// The least that fits: an operator's own workflow is answered too.
    fn by_schema(&self, name: &str, schema: &Value, script: &Script, depth: usize) -> Value {
        let Some(depth) = depth.checked_sub(1) else { return Value::Null };
        if let Some(first) = schema.get("enum").and_then(Value::as_array).and_then(|values| values.first()) {
            return first.clone();
        }
        let number = |name: &str| schema.get(name).and_then(Value::as_u64);
        match schema.get("type").and_then(Value::as_str) {
            Some("object") => {
                let properties = schema.get("properties").and_then(Value::as_object);
                let fields = properties.into_iter().flatten();
                fields.map(|(name, schema)| (name.clone(), self.value(name, schema, script, depth))).collect()
            }
            Some("array") => {
                let items = schema.get("items").cloned().unwrap_or_default();
                let count =
                    number("minItems").unwrap_or(ITEMS_USUAL).max(1).min(number("maxItems").unwrap_or(u64::MAX));
                (0..count).map(|_| self.value(name, &items, script, depth)).collect()
            }
            Some("integer" | "number") => number("minimum").unwrap_or(1).into(),
            Some("boolean") => true.into(),
            Some(_) | None => match name {
                "audience" => self.workflow.fields.get("audience").cloned().unwrap_or_else(|| "Everybody".into()),
                "voice" => "Warm, clear, in short sentences.".into(),
                "typography" => "A plain grotesque for titles, a humanist face for text.".into(),
                _ => script.body.clone().into(),
            },
        }
    }
}
