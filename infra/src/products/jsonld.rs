//! What a page says in JSON-LD (schema.org's Product).

use scraper::{Html, Selector};
use serde_json::Value;

use super::parse::{Found, IMAGES_MAX};
use super::price;

/// The most scripts that are read.
const SCRIPTS_MAX: usize = 50;
/// How deep a product may lie in lists and graphs.
const DEPTH_MAX: usize = 8;
/// The most nodes that are looked at for a product.
const NODES_MAX: usize = 5_000;
/// What is a product, without the vocabulary before it.
const PRODUCTS: [&str; 5] = ["Product", "ProductGroup", "IndividualProduct", "ProductModel", "SomeProducts"];

/// The first product of the page's scripts.
pub(super) fn read(page: &Html) -> Found {
    let Ok(scripts) = Selector::parse(r#"script[type="application/ld+json" i]"#) else { return Found::default() };
    let mut left = NODES_MAX;
    for script in page.select(&scripts).take(SCRIPTS_MAX) {
        let text: String = script.text().collect();
        let text = text.trim().trim_start_matches("<!--").trim_end_matches("-->").trim();
        let Some(value) = parsed(text) else { continue };
        if let Some(product) = product(&value, DEPTH_MAX, &mut left) {
            return found(product);
        }
    }
    Found::default()
}

/// Reads JSON as shops write it: with line breaks in its texts, where JSON has none.
fn parsed(text: &str) -> Option<Value> {
    let strict = serde_json::from_str(text).ok();
    strict.or_else(|| serde_json::from_str(&text.replace(|c: char| c.is_control(), " ")).ok())
}

/// The first product in a value: in lists, graphs, and what a page says is its main entity or item.
fn product<'a>(value: &'a Value, depth: usize, left: &mut usize) -> Option<&'a Value> {
    let depth = depth.checked_sub(1)?;
    *left = left.checked_sub(1)?;
    match value {
        Value::Array(values) => values.iter().find_map(|value| product(value, depth, left)),
        Value::Object(fields) if is_product(fields.get("@type")) => Some(value),
        Value::Object(fields) => ["@graph", "mainEntity", "mainEntityOfPage", "itemListElement", "item", "hasVariant"]
            .into_iter()
            .filter_map(|name| fields.get(name))
            .find_map(|value| product(value, depth, left)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn is_product(kind: Option<&Value>) -> bool {
    match kind {
        Some(Value::String(name)) => PRODUCTS.contains(&name.rsplit(['/', '#', ':']).next().unwrap_or_default()),
        Some(Value::Array(names)) => names.iter().any(|name| name.is_string() && is_product(Some(name))),
        _ => false,
    }
}

fn found(product: &Value) -> Found {
    let mut images = Vec::new();
    product.get("image").into_iter().for_each(|image| pictures(image, DEPTH_MAX, &mut images));
    let variant = || listed(product.get("hasVariant"));
    let offers = product.get("offers").or_else(|| variant()?.get("offers"));
    Found {
        is_product: true,
        title: text(product.get("name")),
        description: text(product.get("description")),
        category: text(product.get("category")),
        price: offers.and_then(|offers| offered(offers, DEPTH_MAX)),
        images,
    }
}

/// The first of a list, or the value itself.
fn listed(value: Option<&Value>) -> Option<&Value> {
    match value? {
        Value::Array(values) => values.first(),
        other => Some(other),
    }
}

/// A text, the first of several, or the name of a thing.
fn text(value: Option<&Value>) -> Option<String> {
    match listed(value)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(fields) => match fields.get("name").or_else(|| fields.get("@value"))? {
            Value::String(text) => Some(text.clone()),
            _ => None,
        },
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

fn pictures(image: &Value, depth: usize, images: &mut Vec<String>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match image {
        _ if images.len() >= IMAGES_MAX => {}
        Value::String(url) => images.push(url.clone()),
        Value::Array(several) => several.iter().for_each(|image| pictures(image, depth, images)),
        Value::Object(fields) => {
            let named = ["contentUrl", "url", "@id"].into_iter().find_map(|name| fields.get(name));
            named.into_iter().for_each(|image| pictures(image, depth, images));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What it costs: of several offers the first that says.
fn offered(offers: &Value, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    match offers {
        Value::Array(several) => several.iter().find_map(|offer| offered(offer, depth)),
        Value::Object(fields) => {
            let currency = fields.get("priceCurrency").and_then(Value::as_str);
            let mut amounts = ["price", "lowPrice", "highPrice"].into_iter().filter_map(|name| fields.get(name));
            amounts.find_map(|amount| shown(amount, currency)).or_else(|| {
                let more = ["priceSpecification", "offers"].into_iter().filter_map(|name| fields.get(name));
                more.into_iter().find_map(|more| offered(more, depth))
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// A number is what it says; a text is read as shops write it.
fn shown(amount: &Value, currency: Option<&str>) -> Option<String> {
    match listed(Some(amount))? {
        Value::Number(number) => number.to_string().parse().ok().map(|number| price::exact(number, currency)),
        _ => text(Some(amount)).and_then(|amount| price::shown(&amount, currency)),
    }
}
