//! Pages as shops write them, and as nobody should.

use proptest::prelude::*;
use url::Url;

use super::*;

fn base() -> Url {
    "https://shop.test/products/kettle?ref=1".parse().unwrap()
}

fn parse(page: &str) -> Product {
    parse_product(page, &base())
}

fn ld(json: &str) -> Product {
    parse(&format!("<html><head><script type=\"application/ld+json\">{json}</script></head></html>"))
}

fn texts(product: &Product) -> [Option<&str>; 4] {
    [&product.title, &product.description, &product.category, &product.price].map(Option::as_deref)
}

#[test]
fn json_ld_says_what_it_is() {
    let product = ld(r#"{"@context": "https://schema.org", "@type": "Product", "name": " Steel
        Kettle ", "description": "<p>Boils <b>water</b>.</p>", "category": {"@type": "Thing", "name": "Kitchen"},
        "image": ["/a.jpg", {"@type": "ImageObject", "url": "https://cdn.test/b.jpg"}, "/a.jpg"],
        "offers": {"@type": "Offer", "price": 24.5, "priceCurrency": "EUR"}}"#);
    assert!(product.success);
    assert_eq!(texts(&product), [Some("Steel Kettle"), Some("Boils water ."), Some("Kitchen"), Some("€24.50")]);
    assert_eq!(product.images, ["https://shop.test/a.jpg", "https://cdn.test/b.jpg"]);
}

#[test]
fn a_product_is_found_in_graphs_lists_and_entities() {
    for json in [
        r#"[{"@type": "WebPage"}, {"@type": "Product", "name": "Kettle"}]"#,
        r#"{"@graph": [{"@type": "BreadcrumbList"}, {"@type": ["Thing", "Product"], "name": "Kettle"}]}"#,
        r#"{"@type": "ItemPage", "mainEntity": {"@type": "http://schema.org/Product", "name": "Kettle"}}"#,
        r#"{"@type": "ItemList", "itemListElement": [{"item": {"@type": "schema:Product", "name": "Kettle"}}]}"#,
        r#"<!-- {"@type": "ProductGroup", "name": "Kettle"} -->"#,
    ] {
        let product = ld(json);
        assert!(product.success, "{json}");
        assert_eq!(product.title.as_deref(), Some("Kettle"), "{json}");
    }
}

#[test]
fn prices_are_found_in_every_kind_of_offer() {
    for (offers, price) in [
        (r#"{"price": "39.00", "priceCurrency": "USD"}"#, "$39"),
        (r#"[{"availability": "x"}, {"price": 12, "priceCurrency": "CHF"}]"#, "CHF 12"),
        (r#"{"@type": "AggregateOffer", "lowPrice": "9.90", "highPrice": "20", "priceCurrency": "GBP"}"#, "£9.90"),
        (r#"{"priceSpecification": [{"price": "5", "priceCurrency": "USD"}]}"#, "$5"),
        (r#"{"@type": "AggregateOffer", "offers": [{"price": "7", "priceCurrency": "USD"}]}"#, "$7"),
    ] {
        let product = ld(&format!(r#"{{"@type": "Product", "name": "K", "offers": {offers}}}"#));
        assert_eq!(product.price.as_deref(), Some(price), "{offers}");
    }
    let variant = ld(r#"{"@type": "ProductGroup", "name": "K", "hasVariant": [{"offers": {"price": 3}}]}"#);
    assert_eq!(variant.price.as_deref(), Some("3"));
}

const OPEN_GRAPH: &str = r#"<head><title>Shop</title>
    <meta property="og:type" content="product"><meta property="og:title" content="Kettle &amp; Co">
    <meta property="og:description" content="Boils."><meta property="og:image" content="../img/k.jpg">
    <meta property="product:price:amount" content="24,50"><meta property="product:price:currency" content="EUR">
    <meta property="product:category" content="Kitchen"></head>"#;

#[test]
fn open_graph_is_read() {
    let product = parse(OPEN_GRAPH);
    assert!(product.success);
    assert_eq!(texts(&product), [Some("Kettle & Co"), Some("Boils."), Some("Kitchen"), Some("€24.50")]);
    assert_eq!(product.images, ["https://shop.test/img/k.jpg"]);
}

const MICRODATA: &str = r#"<div itemscope itemtype="https://schema.org/Product">
    <h2 itemprop="name">Kettle</h2><p itemprop="description">Boils
    water.</p><img itemprop="image" src="k.jpg">
    <div itemprop="review" itemscope itemtype="https://schema.org/Review"><b itemprop="name">Great!</b></div>
    <div itemprop="offers" itemscope itemtype="https://schema.org/Offer">
      <span itemprop="price" content="24.50">24,50</span><meta itemprop="priceCurrency" content="EUR"></div></div>"#;

#[test]
fn microdata_is_read_and_what_belongs_to_something_else_is_not() {
    let reversed = MICRODATA.replace("<h2 itemprop=\"name\">Kettle</h2>", "");
    assert_eq!(parse(&reversed).title, None, "a review's name is not the product's");
    let product = parse(MICRODATA);
    assert!(product.success);
    assert_eq!(texts(&product), [Some("Kettle"), Some("Boils water."), None, Some("€24.50")]);
    assert_eq!(product.images, ["https://shop.test/products/k.jpg"]);
}

#[test]
fn a_plain_page_is_no_product_and_its_words_are_read() {
    let product = parse(
        r#"<html><head><title>Shop</title><meta name="Description" content="A kettle."></head><body>
        <h1>The <em>Kettle</em></h1><img src="/logo.png" width="900" height="900"><img src="/small.jpg" width="20"
        height="20"><img src="/unknown.jpg"><img src="/big.jpg" width="800" height="600"><img src="data:image/png;base64,x">"#,
    );
    assert!(!product.success);
    assert_eq!(texts(&product), [Some("The Kettle"), Some("A kettle."), None, None]);
    assert_eq!(product.images, ["https://shop.test/big.jpg", "https://shop.test/unknown.jpg"]);
}

#[test]
fn each_field_comes_from_the_first_way_of_reading_that_has_it() {
    let ld = r#"<script type="application/ld+json">{"@type": "Product", "name": "From JSON-LD",
        "offers": {"price": "1", "priceCurrency": "USD"}}</script>"#;
    let product = parse(&format!("{ld}{OPEN_GRAPH}{MICRODATA}<h1>Plain</h1>"));
    assert_eq!(texts(&product), [Some("From JSON-LD"), Some("Boils."), Some("Kitchen"), Some("$1")]);
    assert_eq!(product.images, ["https://shop.test/img/k.jpg"]);
    let product = parse(&format!("{MICRODATA}<h1>Plain</h1>"));
    assert_eq!(product.title.as_deref(), Some("Kettle"));
}

#[test]
fn addresses_are_absolute_and_only_those_that_can_be_fetched() {
    let page = r#"<base href="https://cdn.test/x/"><script type="application/ld+json">{"@type": "Product",
        "name": "K", "image": ["a.jpg", "javascript:alert(1)", "//other.test/b.jpg", "data:image/png;base64,x"]}</script>"#;
    assert_eq!(parse(page).images, ["https://cdn.test/x/a.jpg", "https://other.test/b.jpg"]);
}

#[test]
fn what_is_broken_is_passed_over() {
    let page = r#"<script type="application/ld+json">{"@type": "Product", "name": </script>
        <script type="application/ld+json">{"@type": "Product", "name": "Second"}</script>"#;
    assert_eq!(parse(page).title.as_deref(), Some("Second"));
    for page in ["", "<", "<script type='application/ld+json'>", "\u{0}", "<h1></h1><title> </title>"] {
        let product = parse(page);
        assert!(!product.success && product.title.is_none() && product.images.is_empty(), "{page}");
    }
}

#[test]
fn what_is_too_much_is_cut() {
    let deep = format!("{}{}{}", "[".repeat(60), r#"{"@type": "Product", "name": "K"}"#, "]".repeat(60));
    assert!(!ld(&deep).success, "deeper than anybody writes");
    let many: Vec<String> = (0..100).map(|n| format!("\"/{n}.jpg\"")).collect();
    let product =
        ld(&format!(r#"{{"@type": "Product", "name": "{}", "image": [{}]}}"#, "x".repeat(9_000), many.join(",")));
    assert_eq!((product.images.len(), product.title.map(|title| title.len())), (20, Some(300)));
    let nested = "<div>".repeat(20_000);
    assert!(!parse(&nested).success);
}

#[test]
fn the_sample_of_the_document_is_a_page_like_any_other() {
    let url: Url = "https://example.com/products/matte-black-water-bottle".parse().unwrap();
    let page = product_sample(&url).unwrap();
    let product = parse_product(std::str::from_utf8(&page.bytes).unwrap(), &url);
    let [title, description, category, price] = texts(&product);
    assert_eq!(title, Some("Matte Black Water Bottle"));
    assert_eq!(description, Some("Insulated stainless steel water bottle"));
    assert_eq!((category, price), (Some("hydration"), Some("$39")));
    assert_eq!(product.images, ["https://example.com/product.jpg"]);
    let odd: Url = "https://a.example/%3C/script%3E".parse().unwrap();
    let page = product_sample(&odd).unwrap();
    assert!(parse_product(std::str::from_utf8(&page.bytes).unwrap(), &odd).success);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..4_000), said in "[a-z0-9-]{0,12}") {
        parse(&charset::decode(&bytes, Some(&said)));
        parse(&charset::decode(&bytes, None));
    }

    #[test]
    fn no_page_of_familiar_parts_makes_it_panic(parts in proptest::collection::vec(prop_oneof![
        Just("<script type=\"application/ld+json\">".to_owned()), Just("</script>".to_owned()),
        Just("{\"@type\":\"Product\",".to_owned()), Just("\"name\":[\"x\",{}],".to_owned()),
        Just("\"offers\":[{\"price\":\"1,2.3\"}]}".to_owned()), Just("<meta property=og:image content='//'>".to_owned()),
        Just("<div itemscope itemtype=Product>".to_owned()), Just("<p itemprop='price name'>€1,,</p>".to_owned()),
        Just("<base href='data:x'>".to_owned()), Just("<table><img src=x width=99999999999>".to_owned()), ".{0,20}",
    ], 0..40)) {
        parse(&parts.concat());
    }
}
