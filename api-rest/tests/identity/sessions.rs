//! Sessions of people: how they end, and where they count.

use std::sync::Arc;

use chrono::TimeDelta;
use http::Method;
use mintmark_domain::ports::{Identity, IdentityError, ManualClock, Passwords};
use mintmark_domain::usecases::{Core, Credential, Refusal, SESSION_DAYS, SESSION_IDLE_HOURS};
use tokio::sync::Barrier;

use super::people::{PASSWORD, open, sign_in, signed_in, username, with_password};
use crate::support::{Answer, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_idle_when_old_and_with_its_account() {
    let app = TestApp::with(open(false)).await;
    let browser = signed_in(&app).await;
    let token = Credential::session(browser.cookie("mintmark_session").unwrap()).unwrap().hash();
    let begun = app.now();
    let clock = Arc::new(ManualClock::at(begun));
    let core = Core { clock: clock.clone(), ..app.core.clone() };
    // Used every day it lives a month, to the minute, and no longer.
    for hours in (23..SESSION_DAYS * 24).step_by(23) {
        clock.set(begun + TimeDelta::hours(hours));
        core.session_holder(token).await.unwrap();
    }
    let end = begun + TimeDelta::days(SESSION_DAYS);
    clock.set(end - TimeDelta::minutes(1));
    core.session_holder(token).await.unwrap();
    clock.set(end + TimeDelta::minutes(1));
    core.session_holder(token).await.unwrap_err();

    let browser = signed_in(&app).await;
    let token = Credential::session(browser.cookie("mintmark_session").unwrap()).unwrap().hash();
    let begun = app.now();
    clock.set(begun + TimeDelta::hours(SESSION_IDLE_HOURS) - TimeDelta::minutes(1));
    core.session_holder(token).await.unwrap();
    clock.advance(TimeDelta::hours(SESSION_IDLE_HOURS) + TimeDelta::minutes(1));
    core.session_holder(token).await.unwrap_err();

    let mut browser = signed_in(&app).await;
    app.core.set_suspended(app.account.id, Some("test".into())).await.unwrap();
    browser.get("/account").await;
    assert_eq!(browser.status, 403);
    browser.says("suspended");
    // They can still leave.
    let token = browser.cookie("mintmark_session").unwrap().to_owned();
    browser.get("/sign-out").await;
    assert_eq!(browser.status, 200);
    browser.submit("/sign-out", &[]).await;
    assert_eq!((browser.status, browser.cookie("mintmark_session")), (303, None));
    app.core.session_holder(Credential::session(&token).unwrap().hash()).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_over_is_as_none_and_its_cookie_is_taken_back() {
    let app = TestApp::with(open(false)).await;
    let mut browser = signed_in(&app).await;
    let token = browser.cookie("mintmark_session").unwrap().to_owned();
    app.core.sign_out(&token).await.unwrap();
    browser.get("/account").await;
    browser.follow().await;
    assert_eq!((browser.status, browser.cookie("mintmark_session")), (200, None));
    sign_in(&mut browser, &username(&app).await, PASSWORD).await;
    browser.follow().await;
    browser.says("Your account");
}

/// Passwords that are only told to be right once somebody says so.
struct Halting {
    passwords: Arc<dyn Passwords>,
    reached: Arc<Barrier>,
    go_on: Arc<Barrier>,
}

#[async_trait::async_trait]
impl Passwords for Halting {
    async fn hash(&self, password: &str) -> Result<String, IdentityError> {
        self.passwords.hash(password).await
    }

    async fn verify(&self, hash: Option<&str>, password: &str) -> Result<bool, IdentityError> {
        let right = self.passwords.verify(hash, password).await;
        self.reached.wait().await;
        self.go_on.wait().await;
        right
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_with_the_old_password_that_a_change_overtakes_leaves_no_session() {
    let app = TestApp::with(open(false)).await;
    let name = with_password(&app).await;
    let session = app.core.sign_in(&name, PASSWORD).await.unwrap();
    let (reached, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let passwords = app.core.identity.passwords.clone();
    let halting = Halting { passwords, reached: reached.clone(), go_on: go_on.clone() };
    let identity = Identity { passwords: Arc::new(halting), ..app.core.identity.clone() };
    let core = Core { identity, ..app.core.clone() };
    let late = tokio::spawn(async move { core.sign_in(&name, PASSWORD).await });
    reached.wait().await;
    app.core.change_password(&session.token, PASSWORD, "another password").await.unwrap();
    go_on.wait().await;
    let late = late.await.unwrap().map(|session| session.account);
    assert_eq!(late, Err(Refusal::Unauthenticated));
    let kept = Credential::session(&session.token).unwrap().hash();
    app.core.session_holder(kept).await.expect("the one that changed it goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_of_one_password_at_once_one_is_made() {
    let app = TestApp::with(open(false)).await;
    let name = with_password(&app).await;
    let session = app.core.sign_in(&name, PASSWORD).await.unwrap();
    let (reached, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let passwords = app.core.identity.passwords.clone();
    let halting = Halting { passwords, reached: reached.clone(), go_on: go_on.clone() };
    let identity = Identity { passwords: Arc::new(halting), ..app.core.identity.clone() };
    let core = Core { identity, ..app.core.clone() };
    let token = session.token.clone();
    let late = tokio::spawn(async move { core.change_password(&token, PASSWORD, "a late password").await });
    reached.wait().await;
    app.core.change_password(&session.token, PASSWORD, "another password").await.unwrap();
    go_on.wait().await;
    late.await.unwrap().unwrap_err();
    app.core.sign_in(&name, "another password").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_opens_no_rest_route_and_a_page_takes_no_key() {
    let app = TestApp::with(open(false)).await;
    let browser = signed_in(&app).await;
    let cookie = format!("mintmark_session={}", browser.cookie("mintmark_session").unwrap());
    for path in ["/v1/account", "/api/v1/users/me"] {
        let request = app.anonymous(Method::GET, path).header("Cookie", &cookie).header("Origin", &app.base_url);
        assert_eq!(Answer::of(request).await.status, 401, "{path}");
    }
    let page = Answer::of(app.request(Method::GET, "/account")).await;
    assert_eq!((page.status, page.header("location")), (303, "/sign-in"));
}
