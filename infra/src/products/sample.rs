//! The product pages of the hosts that the documents print: every line printed there runs without a
//! network, and through the same parser as any other page.

use bytes::Bytes;
use url::Url;

use crate::egress::Fetched;

/// The longest name that is made of an address, in characters.
const NAME_CHARS_MAX: usize = 80;

/// The page at an example address: a product named after the address's last segment.
#[must_use]
pub fn product_sample(url: &Url) -> Option<Fetched> {
    let slug = url.path_segments()?.rev().find(|segment| !segment.is_empty()).unwrap_or("sample-product");
    let name = title(slug);
    let bottle = slug == "matte-black-water-bottle";
    let (description, category, price) = if bottle {
        ("Insulated stainless steel water bottle".to_owned(), "hydration", "39.00")
    } else {
        (format!("{name}, a sample product of the sandbox"), "samples", "25.00")
    };
    let product = serde_json::json!({
        "@context": "https://schema.org", "@type": "Product", "name": name, "description": description,
        "category": category, "image": ["/product.jpg"],
        "offers": {"@type": "Offer", "price": price, "priceCurrency": "USD"},
    });
    // Nothing of the address may end the script.
    let product = product.to_string().replace('<', "\\u003c");
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sample product</title>\
         <script type=\"application/ld+json\">{product}</script></head><body><h1>Sample product</h1></body></html>"
    );
    Some(Fetched {
        url: url.clone(),
        content_type: Some("text/html".to_owned()),
        charset: None,
        bytes: Bytes::from(page),
    })
}

/// `matte-black-water-bottle` as `Matte Black Water Bottle`.
fn title(slug: &str) -> String {
    let words = slug.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    let name: String = words.map(capital).collect::<Vec<_>>().join(" ").chars().take(NAME_CHARS_MAX).collect();
    if name.is_empty() { "Sample Product".to_owned() } else { name }
}
