//! Sign-in of people, by forms and cookies alone.

use http::Method;
use mintmark_api_rest::RestSettings;
use mintmark_api_rest::http::limits::RateLimits;
use mintmark_domain::Credits;
use mintmark_domain::account::Tier;
use mintmark_domain::usecases::BonusAmounts;

use crate::support::{Answer, Options, TestApp};

/// A password of everybody's here.
pub const PASSWORD: &str = "correct horse battery";

/// With as many attempts as a test needs, and with or without sign-up.
pub fn open(sign_up: bool) -> Options {
    let rate_limits = RateLimits {
        unauthenticated_per_minute: 0,
        sign_ins_per_minute: 0,
        pages_per_minute: 0,
        cli_polls_per_minute: 0,
        ..RateLimits::default()
    };
    Options { settings: RestSettings { rate_limits, sign_up, ..RestSettings::default() }, ..Options::default() }
}

/// A browser without JavaScript: keeps cookies and sends forms.
pub struct Browser<'a> {
    app: &'a TestApp,
    cookies: Vec<(String, String)>,
    /// What the last page said.
    pub page: String,
    /// Its status.
    pub status: u16,
    /// Where it sent on to, if it did.
    pub location: String,
    /// From where it comes, where a proxy of ours says so.
    pub address: &'static str,
}

impl<'a> Browser<'a> {
    pub fn new(app: &'a TestApp) -> Self {
        Browser::at(app, "")
    }

    /// One at that address.
    pub fn at(app: &'a TestApp, address: &'static str) -> Self {
        Browser { app, cookies: Vec::new(), page: String::new(), status: 0, location: String::new(), address }
    }

    /// The value of a cookie that it keeps.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header("Cookie", cookies.join("; "));
        let request = if self.address.is_empty() { request } else { request.header("X-Forwarded-For", self.address) };
        let answer = Answer::of(request).await;
        for set in answer.headers.get_all("set-cookie") {
            let set = set.to_str().expect("text");
            assert!(set.contains("; HttpOnly; SameSite=Lax") && set.contains("; Path=/;"), "{set}");
            let (name, value) = set.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            self.cookies.retain(|(known, _)| known != name);
            if !set.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        self.status = answer.status;
        self.location = answer.header("location").to_owned();
        self.page = String::from_utf8_lossy(&answer.bytes).into_owned();
        if !(300..400).contains(&answer.status) {
            let policy = answer.header("content-security-policy");
            assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{}", self.page);
            assert_eq!(answer.header("cache-control"), "no-store");
            assert!(!self.page.contains("<script") && !self.page.contains("style="), "{}", self.page);
        }
    }

    pub async fn get(&mut self, path: &str) {
        self.send(self.app.anonymous(Method::GET, path)).await;
    }

    /// Follows where it was sent on to.
    pub async fn follow(&mut self) {
        assert_eq!(self.status, 303, "{}", self.page);
        let location = self.location.clone();
        self.get(&location).await;
    }

    /// Sends a form of the page that it is on: what stands hidden in it, and what is filled in.
    pub async fn submit(&mut self, action: &str, filled: &[(&str, &str)]) {
        let form = self.page.split("<form").find(|form| form.contains(&format!("action=\"{action}\"")));
        let form = form.unwrap_or_else(|| panic!("no form for {action}: {}", self.page));
        let form = form.split("</form>").next().unwrap_or_default();
        let mut fields: Vec<(String, String)> = Vec::new();
        for input in form.split("<input").skip(1).filter(|input| input.contains("type=\"hidden\"")) {
            let attribute = |name: &str| {
                let rest = input.split_once(&format!("{name}=\"")).map(|(_, rest)| rest)?;
                rest.split('"').next().map(|text| text.replace("&amp;", "&"))
            };
            fields.push((attribute("name").expect("a name"), attribute("value").unwrap_or_default()));
        }
        fields.extend(filled.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.send(self.app.anonymous(Method::POST, action).form(&fields)).await;
    }

    /// Sends a form as it is given.
    pub async fn post(&mut self, action: &str, fields: &[(&str, &str)]) {
        self.send(self.app.anonymous(Method::POST, action).form(fields)).await;
    }

    pub fn says(&self, words: &str) {
        assert!(self.page.contains(words), "{words:?} is not on the page ({}):\n{}", self.status, self.page);
    }
}

/// The path of an address of ours.
pub fn path_of(app: &TestApp, url: &str) -> String {
    url.strip_prefix(&app.base_url).expect("an address of ours").to_owned()
}

/// The username of the first account.
pub async fn username(app: &TestApp) -> String {
    app.core.account_view(app.account.id).await.expect("the account").profile.username
}

/// Gives the first account's person a password, and nobody an attempt.
pub async fn with_password(app: &TestApp) -> String {
    let link = app.core.new_link(app.account.id).await.expect("a link");
    let token = link.split_once("token=").expect("a token").1;
    app.core.set_password_by_link(token, PASSWORD).await.expect("a password");
    username(app).await
}

/// A browser in which the first account's person is signed in.
pub async fn signed_in(app: &TestApp) -> Browser<'_> {
    let link = app.core.new_link(app.account.id).await.expect("a link");
    let mut browser = Browser::new(app);
    browser.get(&path_of(app, &link)).await;
    browser.submit("/welcome", &[("password", PASSWORD), ("again", PASSWORD)]).await;
    browser.follow().await;
    browser.says("Your account");
    browser
}

pub async fn sign_in(browser: &mut Browser<'_>, name: &str, password: &str) {
    browser.get("/sign-in").await;
    browser.submit("/sign-in", &[("name", name), ("password", password)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_sets_a_password_once_and_the_password_signs_in_and_out() {
    let app = TestApp::with(open(false)).await;
    let (link, name) = (path_of(&app, &app.core.new_link(app.account.id).await.unwrap()), username(&app).await);
    let mut browser = Browser::new(&app);
    browser.get(&link).await;
    browser.says(&format!("Welcome, {name}"));
    browser.submit("/welcome", &[("password", "short"), ("again", "short")]).await;
    browser.says("10 to 200 characters");
    browser.submit("/welcome", &[("password", PASSWORD), ("again", "another one")]).await;
    browser.says("not the same");
    browser.submit("/welcome", &[("password", PASSWORD), ("again", PASSWORD)]).await;
    browser.follow().await;
    browser.says(&name);
    assert!(browser.cookie("mintmark_session").is_some());
    browser.submit("/sign-out", &[]).await;
    assert!(browser.cookie("mintmark_session").is_none());
    let mut late = Browser::new(&app);
    late.get(&link).await;
    assert_eq!(late.status, 404, "used up");

    sign_in(&mut browser, &name, "wrong password").await;
    assert_eq!(browser.status, 403);
    browser.says("The name or the password is wrong.");
    sign_in(&mut browser, "nobody_at_all", PASSWORD).await;
    browser.says("The name or the password is wrong.");
    sign_in(&mut browser, &format!("{name}@EXAMPLE.com"), PASSWORD).await;
    browser.follow().await;
    browser.says("Your account");
    browser.get("/account").await;
    assert_eq!(browser.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_link_replaces_the_old_one_and_a_new_password_ends_other_sessions() {
    let app = TestApp::with(open(false)).await;
    let first = path_of(&app, &app.core.new_link(app.account.id).await.unwrap());
    let mut one = signed_in(&app).await;
    one.get(&first).await;
    assert_eq!(one.status, 404, "replaced by the one that signed in");
    let mut other = Browser::new(&app);
    sign_in(&mut other, &username(&app).await, PASSWORD).await;
    other.follow().await;
    other.submit("/account/password", &[("current", "not it at all"), ("new", "another password")]).await;
    assert_eq!(other.status, 400);
    other.submit("/account/password", &[("current", PASSWORD), ("new", "another password")]).await;
    other.says("every other session has ended");
    one.get("/account").await;
    assert_eq!((one.status, one.location.as_str()), (303, "/sign-in"), "ended");
    other.get("/account").await;
    assert_eq!(other.status, 200, "goes on");
    sign_in(&mut one, &username(&app).await, PASSWORD).await;
    assert_eq!(one.status, 403, "the old password is none any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_its_token_does_nothing() {
    let app = TestApp::with(open(false)).await;
    let mut browser = signed_in(&app).await;
    let key = app.account.key_id.to_string();
    for csrf in ["", "x", &"0".repeat(64)] {
        for (action, field) in
            [("/account/keys/revoke", "key"), ("/account/keys", "name"), ("/sign-out", "x"), ("/cli-auth", "x")]
        {
            browser.post(action, &[("csrf", csrf), (field, &key)]).await;
            assert_eq!(browser.status, 403, "{action}");
        }
    }
    // Another person's token is none either.
    let token_of =
        |page: &str| page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut stranger = Browser::new(&app);
    stranger.get("/sign-in").await;
    let stolen = token_of(&stranger.page);
    browser.post("/account/keys/revoke", &[("csrf", &stolen), ("key", &key)]).await;
    assert_eq!(browser.status, 403);
    assert_eq!(app.get("/v1/account").await.status, 200, "the key still holds");
    let mut other = Browser::new(&app);
    other.post("/sign-in", &[("csrf", &stolen), ("name", "x"), ("password", "y")]).await;
    assert_eq!(other.status, 403);
    other.says("too old");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_clients_are_made_shown_and_revoked_on_the_page() {
    let app = TestApp::with(open(false)).await;
    let mut browser = signed_in(&app).await;
    browser.submit("/account/keys", &[("name", "<b>mine</b>"), ("scope", "runs:read"), ("scope", "models:read")]).await;
    browser.says("Here is your key.");
    browser.says("&lt;b&gt;mine&lt;/b&gt;");
    let secret = browser.page.split("gnr_live_").nth(1).unwrap()[..40].to_owned();
    let key = format!("gnr_live_{secret}");
    assert_eq!(Answer::of(app.request_as(&key, Method::GET, "/v1/runs")).await.status, 200);
    assert_eq!(Answer::of(app.request_as(&key, Method::GET, "/v1/account")).await.status, 403);
    browser.get("/account").await;
    assert!(!browser.page.contains(&secret), "shown once");
    browser.submit("/account/clients", &[("name", "my app")]).await;
    browser.says("Here is your client.");
    browser.says("gfs_live_");
    browser.submit("/account/clients/revoke", &[]).await;
    browser.says("The client is revoked");
    browser.submit("/account/keys/revoke", &[]).await;
    browser.says("The key is revoked.");
    browser.submit("/account/keys", &[("name", "")]).await;
    assert_eq!(browser.status, 400);
    browser.says("1 to 100 printable characters");
    // Nothing of another account.
    let other = app.register(Tier::Unlimited, 0).await;
    let view = app.core.account_view(app.account.id).await.unwrap();
    assert_eq!(view.state.keys().count(), 1);
    let csrf = browser.page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    browser.post("/account/keys/revoke", &[("csrf", &csrf), ("key", &other.key_id.to_string())]).await;
    assert_eq!(browser.status, 400);
    assert_eq!(Answer::of(app.request_as(&other.key, Method::GET, "/v1/account")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_line_is_approved_or_denied_on_its_page_by_whoever_signs_in_first() {
    let app = TestApp::with(open(false)).await;
    drop(signed_in(&app).await);
    let body = serde_json::json!({
        "client_id": "genfire-cli", "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256", "scopes": ["account:read", "images:write"], "label": "laptop & co",
    });
    let open = async || {
        let request = app.anonymous(Method::POST, "/v1/cli/auth/sessions").json(&body);
        let answer = Answer::of(request).await.json_of(201);
        (answer["session_id"].as_str().unwrap().to_owned(), path_of(&app, answer["verification_url"].as_str().unwrap()))
    };
    let (id, page) = open().await;
    let mut browser = Browser::new(&app);
    browser.get(&page).await;
    browser.follow().await;
    browser.says("Sign in to decide");
    browser.submit("/sign-in", &[("name", &username(&app).await), ("password", PASSWORD)]).await;
    assert_eq!(browser.location, page);
    browser.follow().await;
    for words in ["laptop &amp; co", "genfire-cli", "Make images, which costs credits", "account:read"] {
        browser.says(words);
    }
    browser.submit("/cli-auth", &[("decision", "approve")]).await;
    browser.says("Choose what it may do, or deny it");
    browser.submit("/cli-auth", &[("scope", "videos:write"), ("decision", "approve")]).await;
    browser.says("may hold what the session asks for");
    browser.submit("/cli-auth", &[("scope", "account:read"), ("decision", "approve")]).await;
    browser.says("Approved");
    let verifier = serde_json::json!({"code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"});
    let made =
        Answer::of(app.anonymous(Method::POST, &format!("/v1/cli/auth/sessions/{id}/exchange")).json(&verifier)).await;
    assert_eq!(made.json_of(200)["scopes"], serde_json::json!(["account:read"]), "narrowed");
    browser.get(&page).await;
    browser.says("The command line has its key");

    let (id, page) = open().await;
    browser.get(&page).await;
    browser.submit("/cli-auth", &[("decision", "deny")]).await;
    browser.says("Denied");
    let made =
        Answer::of(app.anonymous(Method::POST, &format!("/v1/cli/auth/sessions/{id}/exchange")).json(&verifier)).await;
    assert_eq!(made.status, 403);
    browser.get("/cli-auth?session=clisess_000000000000000000000000").await;
    assert_eq!(browser.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_elsewhere_after_signing_in() {
    let app = TestApp::with(open(false)).await;
    drop(signed_in(&app).await);
    let name = username(&app).await;
    for next in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/cli-auth?session=x%0d%0aSet-Cookie:a",
        "javascript:x",
    ] {
        let mut browser = Browser::new(&app);
        browser.get("/sign-in").await;
        let csrf = browser.page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        browser.post("/sign-in", &[("csrf", &csrf), ("next", next), ("name", &name), ("password", PASSWORD)]).await;
        assert_eq!(browser.location, "/account", "{next}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_up_is_off_unless_it_is_set_and_brings_the_bonuses_of_its_tier() {
    let app = TestApp::with(open(false)).await;
    let mut browser = Browser::new(&app);
    browser.get("/sign-up").await;
    assert_eq!(browser.status, 404);
    browser.post("/sign-up", &[("username", "eve"), ("email", "eve@example.com"), ("password", PASSWORD)]).await;
    assert_eq!(browser.status, 404);

    let whole = Credits::whole;
    let bonus = BonusAmounts { signup: whole(7), max: whole(100), ..BonusAmounts::default() };
    let app = TestApp::with(Options { bonuses: [("free", bonus)].into(), ..open(true) }).await;
    let mut browser = Browser::new(&app);
    browser.get("/sign-up").await;
    let filled = |name| [("username", name), ("email", "eve@example.com"), ("password", PASSWORD)];
    browser.submit("/sign-up", &filled("E")).await;
    browser.says("3 to 32");
    browser.submit("/sign-up", &filled("eve")).await;
    browser.follow().await;
    browser.says("7 available");
    browser.says("You have no keys.");
    let mut again = Browser::new(&app);
    again.get("/sign-up").await;
    again.submit("/sign-up", &filled("eve")).await;
    assert_eq!(again.status, 400);
    again.says("taken");
}
