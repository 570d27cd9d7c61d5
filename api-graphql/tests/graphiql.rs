//! GraphiQL in Debian's Chromium, which can resolve no name: what the page needs comes from here.
//!
//! Needs the package `chromium` (the Makefile's setup installs it); another place of the program is
//! named by the environment variable `CHROMIUM`.

#[path = "../../src/compose/door.rs"]
mod door;
#[path = "../../api-rest/tests/support/mod.rs"]
mod support;

#[path = "graphql/app.rs"]
#[allow(dead_code, reason = "shared with the tests beside it")]
mod app;

use std::time::{Duration, Instant};

use mintmark_testkit::browser::{PATIENCE, Page};
use serde_json::json;
use tokio::time::sleep;

/// How long an answer to a click may take before the page is clicked again.
const CLICK_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What GraphiQL has besides any page.
trait Graphiql {
    async fn write(&mut self, editor: &str, text: &str);
    async fn runs(&mut self, words: &str);
}

impl Graphiql for Page {
    /// Types into an editor of the page's.
    async fn write(&mut self, editor: &str, text: &str) {
        let expression = format!("document.querySelector('{editor} .CodeMirror').CodeMirror.setValue({})", json!(text));
        self.value(&expression).await;
    }

    /// Runs what stands in the query editor, and waits until the answer holds some words. The page looks
    /// at what was written only once nobody types any more, so whoever is too quick clicks again.
    async fn runs(&mut self, words: &str) {
        let answer = "document.querySelector('.result-window .CodeMirror').CodeMirror.getValue()";
        let holds = format!("{answer}.includes({})", json!(words));
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            self.value("document.querySelector('.graphiql-execute-button').click()").await;
            let clicked = Instant::now();
            while clicked.elapsed() < CLICK_AGAIN_AFTER {
                if self.value(&holds).await == true {
                    return;
                }
                sleep(Duration::from_millis(50)).await;
            }
        }
        let text = self.value("document.body.innerText").await;
        panic!("there never was {words}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn graphiql_runs_queries_and_subscriptions_without_a_network() {
    let app = app::start().await;
    let mut page = Page::open(&format!("{}/graphql", app.base_url)).await;
    page.until("the query editor", "!!document.querySelector('.graphiql-query-editor .CodeMirror')").await;
    page.until("its button", "!!document.querySelector('.graphiql-execute-button')").await;

    // The query that it opens with is a good one, without a key.
    page.runs("creditCost").await;

    let headers = ".graphiql-editor-tool .graphiql-editor:not(.hidden)";
    page.until("the headers editor", &format!("!!document.querySelector('{headers} .CodeMirror')")).await;
    page.write(".graphiql-query-editor", "{ wallet { available } }").await;
    page.runs("UNAUTHENTICATED").await;
    page.write(headers, &json!({"Authorization": format!("Bearer {}", app.account.key)}).to_string()).await;
    page.runs("100000").await;

    page.write(".graphiql-query-editor", "subscription { walletUpdates(after: \"0\") { type available } }").await;
    page.runs("credit_wallet.").await;

    let elsewhere = "performance.getEntriesByType('resource').map(one => new URL(one.name).origin)\
                     .filter(origin => origin !== location.origin && origin !== 'null').join()";
    assert_eq!(page.value(elsewhere).await, "", "nothing was asked of anybody else");
    let kept = format!("Object.values(localStorage).join().includes('{}')", app.account.key);
    assert_eq!(page.value(&kept).await, false, "the key is kept nowhere");
}
