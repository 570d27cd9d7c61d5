//! From a page's text to a product: four ways of reading it, merged field by field. What the page says
//! in JSON-LD goes before its OpenGraph and product meta, that before microdata, that before its plain
//! words and pictures.

use serde_json::{Map, Value};
use url::Url;

use super::{jsonld, markup, page};

/// The most Unicode scalars of a title or category.
const LINE_CHARS_MAX: usize = 300;
/// The most Unicode scalars of a description.
const DESCRIPTION_CHARS_MAX: usize = 5_000;
/// The most pictures of a product.
pub(super) const IMAGES_MAX: usize = 20;
/// The longest address of a picture, in bytes.
const IMAGE_URL_BYTES_MAX: usize = 2_048;

/// What a page says of a product. What it does not say is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Product {
    /// Whether the page says that it shows a product, rather than that something was made of its words.
    pub success: bool,
    /// Its name.
    pub title: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// What kind of thing it is.
    pub category: Option<String>,
    /// With its currency: `$39`, `€19.50`, `CHF 12`.
    pub price: Option<String>,
    /// Absolute addresses of pictures, the page's own order.
    pub images: Vec<String>,
}

/// What one way of reading found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// It says that this is a product.
    pub is_product: bool,
    pub title: Option<String>,
    pub description: Option<String>,
    pub category: Option<String>,
    pub price: Option<String>,
    /// As the page writes them.
    pub images: Vec<String>,
}

/// Reads a page. `base` is where it was found: addresses in it are taken from there.
#[must_use]
pub fn parse_product(page: &str, base: &Url) -> Product {
    let page = page::tree(page);
    let found = [jsonld::read(&page), markup::meta(&page), markup::microdata(&page), markup::plain(&page)];
    let base = markup::base(&page, base);
    let line = |pick: fn(&Found) -> Option<&String>| first(&found, pick).map(|text| clean(&text, LINE_CHARS_MAX));
    let description = first(&found, |found| found.description.as_ref());
    Product {
        success: found.iter().any(|found| found.is_product && found.title.is_some()),
        title: line(|found| found.title.as_ref()).filter(|text| !text.is_empty()),
        description: description
            .map(|text| clean(&without_tags(&text), DESCRIPTION_CHARS_MAX))
            .filter(|d| !d.is_empty()),
        category: line(|found| found.category.as_ref()).filter(|text| !text.is_empty()),
        price: first(&found, |found| found.price.as_ref()),
        images: images(&found, &base),
    }
}

/// The first that any way of reading found, in their order.
fn first(found: &[Found], pick: fn(&Found) -> Option<&String>) -> Option<String> {
    found.iter().filter_map(pick).find(|text| !text.trim().is_empty()).cloned()
}

/// The pictures of the first way of reading that found any that can be fetched.
fn images(found: &[Found], base: &Url) -> Vec<String> {
    let absolute = |image: &String| {
        let url = base.join(image.trim()).ok()?;
        let fits = matches!(url.scheme(), "http" | "https") && url.as_str().len() <= IMAGE_URL_BYTES_MAX;
        fits.then(|| url.to_string())
    };
    for found in found {
        let mut images: Vec<String> = Vec::new();
        for image in found.images.iter().filter_map(absolute) {
            if !images.contains(&image) && images.len() < IMAGES_MAX {
                images.push(image);
            }
        }
        if !images.is_empty() {
            return images;
        }
    }
    Vec::new()
}

/// One line, of at most so many Unicode scalars.
pub(super) fn clean(text: &str, chars_max: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(chars_max).collect()
}

/// Descriptions are often written with tags in them.
fn without_tags(text: &str) -> String {
    if !text.contains('<') {
        return text.to_owned();
    }
    page::text(text)
}

impl Product {
    /// As the document prints it: every field, null where the page says nothing.
    #[must_use]
    pub fn fields(self) -> Map<String, Value> {
        let Product { success, title, description, category, price, images } = self;
        Map::from_iter([
            ("success".into(), success.into()),
            ("title".into(), title.into()),
            ("description".into(), description.into()),
            ("category".into(), category.into()),
            ("price".into(), price.into()),
            ("images".into(), images.into()),
        ])
    }
}
