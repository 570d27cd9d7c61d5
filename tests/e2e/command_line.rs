//! The command line, beside a running server.

use serde_json::{Value, json};

use crate::books;
use crate::site::Site;

#[tokio::test]
async fn accounts_keys_credits_and_runs_are_kept_from_the_command_line() {
    let site = Site::on_test_database().await;
    let server = site.serve().await;
    let made = site.run("account create --username ann --email ann@example.com --credits 50.5 --tier unlimited --json");
    let made = made.await.json();
    let fields: Vec<&str> = made.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["account_id", "api_key", "sign_in_url", "user_id"]);
    assert!(made["account_id"].as_str().unwrap().starts_with("acct_") && made["user_id"].is_u64(), "{made}");
    let first = made["api_key"].as_str().unwrap();
    assert_eq!(server.graphql(first, "{ wallet { available } }").await["wallet"]["available"], "50.5");
    let again = site.run("account create --username ann --email other@example.com").await;
    assert!(again.complaint().contains("taken"), "{}", again.err);

    keys(&site, &server, first).await;
    clients(&site, &server).await;
    sign_in(&site, &server, made["sign_in_url"].as_str().unwrap()).await;
    credits(&site).await;
    runs(&site, &server, first).await;

    let suspended = site.run("account suspend ann --reason spam").await;
    assert!(suspended.good().contains("suspended"));
    assert_eq!(server.get("/v1/account", first).await.status, 403);
    site.run("account reinstate ann").await.good();
    assert_eq!(server.get("/v1/account", first).await.status, 200);
    let nobody = site.run("account show nobody").await;
    assert!(nobody.complaint().contains("nobody"), "{}", nobody.err);
    books::assert_in_order(&site).await;
    assert!(server.process.stop().await.success());
}

#[tokio::test]
async fn an_account_s_key_is_shown_even_where_no_link_can_be_made() {
    let site = Site::on_test_database().await;
    site.run("account create --username ann --email ann@example.com").await.good();
    let pool = site.db.as_ref().unwrap().pool();
    sqlx::query("ALTER TABLE sign_in_links ADD CONSTRAINT none CHECK (false) NOT VALID").execute(pool).await.unwrap();
    for (name, more) in [("bob", ""), ("eve", " --json")] {
        let made = site.run(&format!("account create --username {name} --email {name}@example.com{more}")).await;
        assert_eq!(made.code, Some(1), "{}{}", made.out, made.err);
        assert!(made.out.contains("gnr_live_") && !made.out.contains("/welcome"), "{}", made.out);
        assert!(made.err.contains("mintmark account link"), "{}", made.err);
    }
    books::assert_in_order(&site).await;
}

async fn keys(site: &Site, server: &crate::site::Server, first: &str) {
    let words =
        ["key", "create", "--account", "ann", "--name", "read only", "--scopes", "account:read images:write", "--json"];
    let key = site.run_words(&words).await.json();
    let (id, secret) = (key["key_id"].as_u64().unwrap(), key["api_key"].as_str().unwrap());
    assert_eq!(key["scopes"], json!(["account:read", "images:write"]));
    assert_eq!(server.get("/v1/account", secret).await.status, 200);
    assert_eq!(server.get("/v1/account/credits", secret).await.status, 403, "beyond its scope");
    let listed = site.run("key list --account ann").await;
    assert_eq!(listed.good().lines().count(), 2, "{}", listed.out);
    assert!(listed.out.contains("read only") && !listed.out.contains(secret), "{}", listed.out);

    let revoked = site.run(&format!("key revoke --account ann {id}")).await;
    assert_eq!(revoked.good(), format!("key {id} is revoked\n"));
    let image = json!({"prompt": "A boat"});
    let spent = server.post_once("/v1/images/generations", secret, "revoked", &image).await.unwrap();
    assert_eq!(spent.status, 401, "it spends nothing, at once, in another process");
    assert_eq!(server.get("/v1/account", secret).await.status, 401, "and reads nothing");
    assert_eq!(server.get("/v1/account", first).await.status, 200);
    let words = ["key", "create", "--account", "ann", "--scopes", "everything"];
    let refused = site.run_words(&words).await;
    assert!(refused.complaint().contains("everything") && refused.complaint().contains("runs:read"), "{}", refused.err);
}

async fn clients(site: &Site, server: &crate::site::Server) {
    let words = ["client", "create", "--account", "ann", "--name", "app", "--scopes", "runs:read", "--json"];
    let client = site.run_words(&words).await.json();
    let (id, secret) = (client["client_id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
    let listed = site.run("client list --account ann").await;
    assert!(listed.good().contains(id) && !listed.out.contains(secret), "{}", listed.out);
    let token = async || {
        let body = json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret});
        let answer = reqwest::Client::new().post(format!("{}/v1/oauth/token", server.url)).json(&body).send().await;
        let answer: Value = answer.unwrap().json().await.unwrap();
        answer["access_token"].as_str().unwrap_or_default().to_owned()
    };
    let first = token().await;
    assert_eq!(server.get("/v1/runs", &first).await.status, 200);
    let rotated = site.run("tokens rotate").await;
    assert!(rotated.good().contains("1 earlier keys verify"), "{}", rotated.out);
    assert_eq!(server.get("/v1/runs", &first).await.status, 200, "what was signed before holds");
    let revoked = site.run(&format!("client revoke --account ann {id}")).await;
    assert!(revoked.good().contains("is revoked"), "{}", revoked.out);
    assert_eq!(server.get("/v1/runs", &first).await.status, 401, "at once, in another process");
    assert_eq!(token().await, "", "nor is there another one");
}

/// A link of the command line's sets a password at the running server, once, and the password signs in.
async fn sign_in(site: &Site, server: &crate::site::Server, link: &str) {
    // The address by which people know the server is a setting; here it listens elsewhere.
    let here = |link: &str| {
        let path = link.strip_prefix("http://127.0.0.1:8080").unwrap_or_else(|| panic!("{link}"));
        format!("{}{path}", server.url)
    };
    let get = async |link: &str| reqwest::get(here(link)).await.unwrap().status();
    assert!(link.contains("/welcome?token="), "{link}");
    assert_eq!(get(link).await, 200);
    let next = site.run("account link ann --json").await.json();
    let next = next["sign_in_url"].as_str().unwrap();
    assert_eq!(get(link).await, 404, "replaced");

    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    // A form with the cookie and the token that its page gave.
    let submit = async |page: String, action: &str, fields: &[(&str, &str)]| {
        let page = client.get(page).send().await.unwrap();
        let cookie = page.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let page = page.text().await.unwrap();
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let fields = [fields, &[("csrf", csrf)]].concat();
        client.post(format!("{}{action}", server.url)).header("Cookie", cookie).form(&fields).send().await.unwrap()
    };
    let token = next.split_once("token=").unwrap().1;
    let password = "correct horse battery";
    let set = submit(here(next), "/welcome", &[("token", token), ("password", password), ("again", password)]).await;
    assert_eq!((set.status().as_u16(), &set.headers()["location"]), (303, &"/account".parse().unwrap()));
    assert_eq!(get(next).await, 404, "used up");
    let page = format!("{}/sign-in", server.url);
    let wrong = submit(page.clone(), "/sign-in", &[("name", "ann"), ("password", "another password")]).await;
    assert_eq!(wrong.status(), 403);
    let signed_in = submit(page, "/sign-in", &[("name", "ann"), ("password", password)]).await;
    assert_eq!(signed_in.status(), 303);
    let session = signed_in.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let account = client.get(format!("{}/account", server.url)).header("Cookie", session).send().await.unwrap();
    assert_eq!(account.status(), 200);
    assert!(account.text().await.unwrap().contains("ann@example.com"));
}

async fn credits(site: &Site) {
    let grant = "credits grant --account ann --amount 9.5 --kind free --reason trial --reference trial-1 --json";
    let granted = site.run(grant).await.json();
    assert_eq!(granted["available"], "60");
    let again = site.run(grant).await.json();
    assert_eq!((&granted["replayed"], &again["replayed"]), (&json!(false), &json!(true)));
    assert_eq!(
        (&again["payment_id"], &again["available"]),
        (&granted["payment_id"], &granted["available"]),
        "the same reference is the same grant"
    );
    let other = site.run(&grant.replace("9.5", "10")).await;
    assert!(!other.complaint().is_empty(), "the same reference with another amount is refused");
    let shown = site.run("account show ann").await;
    assert!(shown.good().contains("60 available (paid 50.5, free 9.5, earned 0), 0 held"), "{}", shown.out);
    // What a chargeback cannot take is owed, and the next credits pay for it.
    let bought = site.run("credits grant --account ann --amount 4 --kind paid --reason top-up --json").await.json();
    let payment = bought["payment_id"].as_str().unwrap().to_owned();
    let charge_back = format!("credits chargeback {payment} --amount 4 --reference dispute-1");
    let charged = site.run(&charge_back).await;
    assert!(charged.good().contains("60 available and 0 owed"), "{}", charged.out);
    assert_eq!(site.run(&charge_back).await.good(), charged.out, "the same reference is the same chargeback");
    let shown = site.run(&format!("credits payment {payment}")).await;
    assert!(
        shown.good().contains("chargeback 4 credits [dispute-1]") && shown.out.contains("left       0"),
        "{}",
        shown.out
    );
    assert!(site.run("credits payment pi_unknown").await.complaint().contains("payment not found"));
    let more = site.run(&charge_back.replace("dispute-1", "dispute-2")).await;
    assert!(more.complaint().contains("charged back"), "{}", more.err);
    let finer = site.run("credits grant --account ann --amount 0.0000001 --kind free --reason x").await;
    assert_eq!(finer.code, Some(2), "{}", finer.err);
}

async fn runs(site: &Site, server: &crate::site::Server, key: &str) {
    let ask = async |once: &str, prompt: &str| -> Value {
        let request = server.request(reqwest::Method::POST, "/v1/images/generations", key);
        let request = request.header("Idempotency-Key", once).header("Prefer", "respond-async");
        crate::site::Answer::of(request.json(&json!({ "prompt": prompt }))).await.unwrap().json_of(202)
    };
    let (endless, settled) = (ask("1", "A boat [sandbox:hang]").await, ask("2", "A ship [sandbox:hang]").await);
    let id = endless["id"].as_str().unwrap();
    let shown = site.run(&format!("runs show {id}")).await;
    assert!(shown.good().contains("price      3 under"), "{}", shown.out);
    let cancelled = site.run(&format!("runs cancel {id}")).await;
    assert!(cancelled.good().starts_with(id), "{}", cancelled.out);
    let ended = server.ended(id, key).await;
    assert_eq!((&ended["status"], &ended["error"]["code"]), (&json!("failed"), &json!("cancelled")));

    let id = settled["id"].as_str().unwrap();
    let by_hand = site.run_words(&["runs", "settle", id, "--reason", "the provider says it never ran"]).await;
    assert!(by_hand.good().contains("failed at no cost"), "{}", by_hand.out);
    assert_eq!(server.ended(id, key).await["status"], "failed");
    let shown = site.run(&format!("runs show {id}")).await;
    assert!(shown.good().contains("captured 0 by the rule"), "{}", shown.out);
    let shown = site.run("account show ann").await;
    assert!(shown.good().contains("60 available") && shown.out.contains("), 0 held"), "{}", shown.out);
    let unknown = site.run(&format!("runs show run_{}", "0".repeat(32))).await;
    assert!(!unknown.complaint().is_empty());
}

#[tokio::test]
async fn the_catalog_is_checked_and_every_command_explains_itself() {
    let site = Site::embedded();
    let checked = site.run_plain("catalog check").await;
    assert!(checked.good().ends_with("nothing wrong\n"), "{}", checked.out);
    let own = tempfile::tempdir().unwrap();
    std::fs::write(own.path().join("models.toml"), "[[models]]\nslug = \"x\"\n").unwrap();
    let checked = site.run_plain(&format!("catalog check {}", own.path().display())).await;
    assert_eq!(checked.code, Some(1), "{}{}", checked.out, checked.err);
    assert!(checked.out.contains("problems"), "{}", checked.out);
    assert!(site.run_plain("--version").await.good().starts_with("mintmark "));
    assert!(site.run_plain("config").await.good().starts_with("# Configuration\n"));
    for command in [
        "",
        "serve",
        "account",
        "account create",
        "account show",
        "account suspend",
        "account reinstate",
        "key",
        "key create",
        "key list",
        "key revoke",
        "credits",
        "credits grant",
        "credits refund",
        "credits chargeback",
        "credits payment",
        "runs",
        "runs show",
        "runs settle",
        "runs cancel",
        "audit",
        "audit verify",
        "rebuild",
        "catalog",
        "catalog check",
        "sandbox",
        "sandbox serve",
        "config",
    ] {
        let help = site.run_plain(&format!("{command} --help")).await;
        let usage = format!("Usage: mintmark {command}");
        assert!(help.good().contains(usage.trim()), "{command}: {}", help.out);
        // What it does is said before how it is called.
        assert!(help.out.find("Usage").is_some_and(|at| at > 10), "{command}: {}", help.out);
    }
    assert_eq!(site.run_plain("frobnicate").await.code, Some(2));
    for command in ["audit verify", "account show ann", "key list --account ann", "rebuild"] {
        let nothing = site.run(command).await;
        assert!(
            nothing.complaint().contains("no installation") && nothing.complaint().contains("--data-dir"),
            "{}",
            nothing.err
        );
    }
    assert!(!site.data().exists(), "none of these makes a data directory");
}
