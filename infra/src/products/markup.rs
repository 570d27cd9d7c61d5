//! What a page says in meta tags, in microdata, and in plain words and pictures.

use scraper::{ElementRef, Html, Selector};
use url::Url;

use super::parse::{Found, IMAGES_MAX};
use super::price;

/// The most elements of a kind that are looked at.
const ELEMENTS_MAX: usize = 2_000;
/// The most nodes of an element whose words are read.
const WORDS_NODES_MAX: usize = 2_000;
/// How far up the page the thing is looked for that a property belongs to.
const ANCESTORS_MAX: usize = 64;
/// How many of a plain page's pictures are taken.
const PLAIN_IMAGES_MAX: usize = 5;
/// The least area of a picture that says how large it is, in pixels.
const AREA_MIN: u64 = 150 * 150;
/// What pictures are called that show no product.
const NOT_PICTURES: [&str; 8] = ["logo", "icon", "sprite", "pixel", "avatar", "badge", "spacer", "tracking"];

fn all<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    Selector::parse(selector).map(|selector| page.select(&selector).take(ELEMENTS_MAX).collect()).unwrap_or_default()
}

fn words(element: ElementRef<'_>) -> String {
    let nodes = element.descendants().take(WORDS_NODES_MAX);
    nodes.filter_map(|node| node.value().as_text().map(|text| &**text)).collect::<Vec<&str>>().join(" ")
}

/// Where relative addresses of the page begin.
pub(super) fn base(page: &Html, found_at: &Url) -> Url {
    let named = all(page, "base[href]").first().and_then(|base| base.attr("href").map(str::to_owned));
    named.and_then(|href| found_at.join(&href).ok()).unwrap_or_else(|| found_at.clone())
}

/// OpenGraph and the product meta beside it.
pub(super) fn meta(page: &Html) -> Found {
    let tags: Vec<(String, &str)> = all(page, "meta[content]")
        .iter()
        .filter_map(|tag| {
            let name = tag.attr("property").or_else(|| tag.attr("name"))?;
            Some((name.trim().to_ascii_lowercase(), tag.attr("content")?))
        })
        .collect();
    let first = |names: &[&str]| {
        let of = |name: &&str| tags.iter().find(|(known, content)| known == name && !content.trim().is_empty());
        names.iter().find_map(of).map(|(_, content)| (*content).to_owned())
    };
    let amount = first(&["product:price:amount", "og:price:amount", "product:sale_price:amount"]);
    let currency = first(&["product:price:currency", "og:price:currency", "product:sale_price:currency"]);
    let kind = first(&["og:type"]).unwrap_or_default().to_ascii_lowercase();
    let images = tags.iter().filter(|(name, _)| matches!(name.as_str(), "og:image" | "og:image:url"));
    Found {
        is_product: kind == "product" || kind.starts_with("product.") || kind == "og:product" || amount.is_some(),
        title: first(&["og:title", "twitter:title"]),
        description: first(&["og:description", "twitter:description"]),
        category: first(&["product:category", "og:product:category"]),
        price: amount.and_then(|amount| price::shown(&amount, currency.as_deref())),
        images: images.map(|(_, content)| (*content).to_owned()).take(IMAGES_MAX).collect(),
    }
}

/// Microdata: the first thing of schema.org's type Product, and its offer.
pub(super) fn microdata(page: &Html) -> Found {
    let is = |element: &ElementRef<'_>, name: &str| {
        let kind = element.attr("itemtype").unwrap_or_default();
        kind.split_whitespace().any(|kind| kind.rsplit(['/', '#']).next() == Some(name))
    };
    let Some(product) = all(page, "[itemscope][itemtype]").into_iter().find(|element| is(element, "Product")) else {
        return Found::default();
    };
    let Ok(properties) = Selector::parse("[itemprop]") else { return Found::default() };
    let (mut found, mut amount, mut currency) = (Found { is_product: true, ..Found::default() }, None, None);
    for property in product.select(&properties).take(ELEMENTS_MAX) {
        let scopes = property.ancestors().take(ANCESTORS_MAX).filter_map(ElementRef::wrap);
        let Some(scope) = scopes.into_iter().find(|element| element.attr("itemscope").is_some()) else { continue };
        let own = scope.id() == product.id();
        let offered = is(&scope, "Offer") || is(&scope, "AggregateOffer");
        let keep = |place: &mut Option<String>| {
            if place.is_none() {
                *place = said(property);
            }
        };
        for name in property.attr("itemprop").unwrap_or_default().split_whitespace() {
            match name {
                "name" if own => keep(&mut found.title),
                "description" if own => keep(&mut found.description),
                "category" if own => keep(&mut found.category),
                "image" if own && found.images.len() < IMAGES_MAX => found.images.extend(said(property)),
                "price" | "lowPrice" if own || offered => keep(&mut amount),
                "priceCurrency" if own || offered => keep(&mut currency),
                _ => {}
            }
        }
    }
    found.price = amount.and_then(|amount: String| price::shown(&amount, currency.as_deref()));
    found
}

/// What an element with a property says, by the rules of microdata.
fn said(element: ElementRef<'_>) -> Option<String> {
    let attribute = match element.value().name() {
        "meta" => Some("content"),
        "img" | "audio" | "video" | "source" | "embed" | "iframe" => Some("src"),
        "a" | "link" | "area" => Some("href"),
        "object" => Some("data"),
        "data" | "meter" => Some("value"),
        "time" => Some("datetime"),
        _ => None,
    };
    let attributed = attribute.and_then(|name| element.attr(name)).or_else(|| element.attr("content"));
    let text = attributed.map_or_else(|| words(element), str::to_owned);
    Some(text).filter(|text| !text.trim().is_empty())
}

/// What anybody sees: the heading, the description for search engines, the largest pictures.
pub(super) fn plain(page: &Html) -> Found {
    let heading = all(page, "h1").into_iter().chain(all(page, "title")).map(words);
    let tags = all(page, "meta[name][content]");
    let described =
        tags.iter().find(|tag| tag.attr("name").is_some_and(|name| name.eq_ignore_ascii_case("description")));
    Found {
        is_product: false,
        title: heading.into_iter().find(|text| !text.trim().is_empty()),
        description: described.and_then(|tag| tag.attr("content")).map(str::to_owned),
        category: None,
        price: None,
        images: largest(page),
    }
}

/// The largest pictures first; those that do not say how large they are after them, in the page's order.
fn largest(page: &Html) -> Vec<String> {
    let pixels = |element: &ElementRef<'_>, name: &str| -> Option<u64> {
        element.attr(name)?.trim().trim_end_matches("px").parse::<u32>().ok().map(u64::from)
    };
    let mut pictures: Vec<(u64, String)> = all(page, "img")
        .into_iter()
        .filter_map(|image| {
            let address = image.attr("src").or_else(|| image.attr("data-src"))?.trim();
            let lower = address.to_ascii_lowercase();
            let named = NOT_PICTURES.iter().any(|word| lower.contains(word));
            if address.is_empty() || lower.starts_with("data:") || named {
                return None;
            }
            let area = pixels(&image, "width").zip(pixels(&image, "height")).map(|(width, height)| width * height);
            (area.is_none_or(|area| area >= AREA_MIN)).then(|| (area.unwrap_or(0), address.to_owned()))
        })
        .collect();
    pictures.sort_by_key(|(area, _)| std::cmp::Reverse(*area));
    pictures.into_iter().take(PLAIN_IMAGES_MAX).map(|(_, address)| address).collect()
}
