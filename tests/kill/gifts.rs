//! `kill -9` at every step of a gift's way: it arrives once, and left its giver once.

use mintmark_infra::gifts::steps;
use serde_json::{Value, json};

use super::place::{CREDITS, Place};

/// What each gift is worth.
const WORTH: u64 = 7;

fn total(balance: &Value) -> u64 {
    balance["data"]["total"].as_u64().unwrap_or_else(|| panic!("{balance}"))
}

#[tokio::test]
async fn a_gift_is_never_lost_or_doubled_wherever_the_server_dies() {
    let place = Place::new().await;
    let bob = place.account("bob");
    let body = json!({"username": "bob", "credits": WORTH});
    let mut given = 0;
    for step in steps::ALL {
        let (mut server, base) = place.serve_armed(Some(step)).await;
        let answered = place.ask(&base, ("/api/v1/credits/gifts", &body), step).await;
        server.killed(step).await;
        assert!(answered.is_none() || step == steps::AFTER_ENDED, "{step}: it died before it answered");

        let (_server, base) = place.serve().await;
        if step == steps::BEFORE_SENT {
            assert_eq!(total(&place.get(&base, "/api/v1/credits/balance").await), CREDITS - given, "nothing was sent");
            place.ask(&base, ("/api/v1/credits/gifts", &body), step).await.unwrap();
        }
        given += WORTH;
        // Nobody asks for it again: the server itself carries on what was sent.
        let arrived = |balance: &Value| total(balance) == given;
        place.until_as(&bob, &base, "/api/v1/credits/balance", arrived).await;
        // Whoever does ask again finds the same gift.
        let again = place.ask(&base, ("/api/v1/credits/gifts", &body), step).await.unwrap();
        assert_eq!(again["data"]["status"], "delivered", "{step}");
        assert_eq!(total(&place.get(&base, "/api/v1/credits/balance").await), CREDITS - given, "{step}: sent once");
        assert_eq!(total(&place.get_as(&bob, &base, "/api/v1/credits/balance").await), given, "{step}: taken once");
    }
    place.verify();
}
