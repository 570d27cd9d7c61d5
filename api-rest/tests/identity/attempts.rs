//! How often somebody may try to prove who they are on a page.

use std::sync::Arc;

use mintmark_api_rest::RestSettings;
use mintmark_api_rest::http::limits::RateLimits;
use mintmark_domain::ports::ManualClock;

use super::people::{Browser, PASSWORD, sign_in, with_password};
use crate::support::{Options, TestApp};

/// So many attempts, all in one minute, behind a proxy that says where each came from.
async fn with_attempts(sign_ins_per_minute: u32) -> TestApp {
    let rate_limits = RateLimits { sign_ins_per_minute, pages_per_minute: 0, ..RateLimits::default() };
    let settings = RestSettings { rate_limits, trusted_proxies: 1, ..RestSettings::default() };
    let clock = Arc::new(ManualClock::default());
    TestApp::with(Options { settings, core_clock: Some(clock), ..Options::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_at_a_name_are_limited_whether_it_exists_or_not_and_lock_nobody_out_elsewhere() {
    let app = with_attempts(3).await;
    let name = with_password(&app).await;
    let mut guesser = Browser::at(&app, "203.0.113.1");
    for tried in [name.as_str(), "nobody_at_all"] {
        for _ in 0..3 {
            sign_in(&mut guesser, tried, "a wrong password").await;
            assert_eq!(guesser.status, 403, "{tried}");
        }
        sign_in(&mut guesser, tried, PASSWORD).await;
        assert_eq!(guesser.status, 429, "{tried}");
        guesser.says("Too many requests");
    }
    let mut owner = Browser::at(&app, "203.0.113.2");
    sign_in(&mut owner, &name, PASSWORD).await;
    owner.follow().await;
    owner.says("Your account");
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_one_name_from_everywhere_and_at_all_names_from_one_place_are_limited_too() {
    let app = with_attempts(1).await;
    // Each address has one attempt at a name: only what is counted by the name alone ends this.
    let addresses: Vec<&'static str> = (1..30).map(|n| &*format!("203.0.113.{n}").leak()).collect();
    let mut taken = 0;
    for address in addresses {
        let mut one = Browser::at(&app, address);
        sign_in(&mut one, "nobody_at_all", "a wrong password").await;
        if one.status == 429 {
            break;
        }
        taken += 1;
    }
    assert_eq!(taken, 20, "so many times what one address may");
    let mut sprayer = Browser::at(&app, "203.0.113.200");
    let mut taken = 0;
    for n in 0..10 {
        sign_in(&mut sprayer, &format!("name_{n}"), "a wrong password").await;
        taken += usize::from(sprayer.status == 403);
    }
    assert_eq!(taken, 5, "so many times what there may be at one name");
}
