//! The pages in Debian's Chromium: axe finds nothing on any of them, in light and in dark, wide and narrow.
//!
//! `MINTMARK_PICTURES=<directory>` keeps what they look like there, for people to see.

use std::path::Path;

use http::Method;
use mintmark_testkit::browser::Page;
use serde_json::{Value, json};

use super::people::{PASSWORD, open, path_of, signed_in};
use crate::support::{Answer, TestApp};

/// axe-core, as `make setup` installs it.
fn axe() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tools/node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}: `make setup` installs what tests need", path.display()))
}

/// Looks at the page as it stands, in light and in dark, and as on a telephone.
async fn look(page: &mut Page, axe: &str, name: &str) {
    for (scheme, width) in [("light", 1_100), ("dark", 1_100), ("dark", 360), ("light", 360)] {
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        page.call("Emulation.setEmulatedMedia", media).await;
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        page.call("Emulation.setDeviceMetricsOverride", size).await;
        // Not by the page's own policy, which lets no script in: by the browser itself.
        page.value(axe).await;
        let found = "axe.run(document).then(found => JSON.stringify(found.violations.map(one => \
                     [one.id, one.nodes.map(node => node.html + ' ' + node.failureSummary)])))";
        let found = page.value(found).await;
        assert_eq!(found, Value::from("[]"), "{name} in {scheme}, {width} wide");
        let checked = page.value("axe.run(document).then(found => found.passes.length)").await;
        assert!(checked.as_u64().is_some_and(|passes| passes > 10), "{name}: axe looked at nothing: {checked}");
        let wide = page.value("document.documentElement.scrollWidth <= window.innerWidth").await;
        assert_eq!(wide, true, "{name} in {scheme}: wider than {width}");
        if let Some(directory) = std::env::var_os("MINTMARK_PICTURES") {
            let file = Path::new(&directory).join(format!("{name}-{scheme}-{width}.png"));
            std::fs::write(file, page.picture().await).expect("a picture is written");
        }
    }
}

/// Clicks, and waits for words on the page that comes.
async fn click(page: &mut Page, selector: &str, words: &str) {
    page.value(&format!("document.querySelector({}).click()", json!(selector))).await;
    page.until(words, &format!("document.body.innerText.includes({})", json!(words))).await;
}

async fn fill(page: &mut Page, field: &str, text: &str) {
    page.value(&format!("document.getElementById({}).value = {}", json!(field), json!(text))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_passes_axe_in_light_and_dark_on_wide_and_narrow_screens() {
    let (app, axe) = (TestApp::with(open(true)).await, axe());
    let base = app.base_url.clone();
    let link = app.core.new_link(app.account.id).await.expect("a link");
    let mut page = Page::open("about:blank").await;
    page.go(&format!("{base}/sign-in")).await;
    look(&mut page, &axe, "sign-in").await;
    fill(&mut page, "name", "nobody").await;
    fill(&mut page, "password", "a wrong password").await;
    click(&mut page, "main button", "is wrong").await;
    look(&mut page, &axe, "sign-in-wrong").await;
    page.go(&format!("{base}/sign-up")).await;
    look(&mut page, &axe, "sign-up").await;
    page.go(&link).await;
    look(&mut page, &axe, "welcome").await;
    fill(&mut page, "password", PASSWORD).await;
    fill(&mut page, "again", PASSWORD).await;
    click(&mut page, "main button", "Your account").await;
    look(&mut page, &axe, "account").await;
    page.value("document.querySelectorAll('details').forEach(one => one.open = true)").await;
    look(&mut page, &axe, "account-open").await;
    fill(&mut page, "client-name", "storefront").await;
    click(&mut page, "form[action='/account/clients'] button", "Here is your client").await;
    look(&mut page, &axe, "account-secret").await;

    let body = json!({
        "client_id": "genfire-cli", "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256", "label": "genfire-cli (laptop)",
    });
    let login = Answer::of(app.anonymous(Method::POST, "/v1/cli/auth/sessions").json(&body)).await.json_of(201);
    page.go(login["verification_url"].as_str().expect("an address")).await;
    look(&mut page, &axe, "cli-auth").await;
    page.value("document.querySelector('input[type=checkbox]').click()").await;
    click(&mut page, "button[value=approve]", "Approved").await;
    look(&mut page, &axe, "cli-auth-approved").await;
    page.go(&format!("{base}/cli-auth?session=nonsense")).await;
    look(&mut page, &axe, "error").await;
    page.go(&format!("{base}/sign-out")).await;
    look(&mut page, &axe, "sign-out").await;
    click(&mut page, "main button", "Sign in").await;
    page.go(&format!("{base}/welcome?token=used")).await;
    look(&mut page, &axe, "welcome-used").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_what_is_wrong_where_something_is() {
    // Shows that the test above can fail.
    let mut page = Page::open("data:text/html,<title>x</title><input><img src=x>").await;
    page.until("the page", "document.readyState === 'complete' && !!document.querySelector('input')").await;
    page.value(&axe()).await;
    let found = page.value("axe.run(document).then(found => found.violations.map(one => one.id).join())").await;
    let found = found.as_str().expect("violations").to_owned();
    assert!(found.contains("label") && found.contains("image-alt") && found.contains("html-has-lang"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_style_sheet_is_kept_for_ever_under_an_address_that_changes_with_it() {
    let app = TestApp::with(open(false)).await;
    let browser = signed_in(&app).await;
    let address = browser.page.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let style = Answer::of(app.anonymous(Method::GET, address)).await;
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    assert!(address.contains("?v=") && style.header("cache-control").contains("immutable"));
    assert!(path_of(&app, &format!("{}{address}", app.base_url)).starts_with("/pages/"));
}
