//! People, conversations, teams and their wallets.

use mintmark_domain::Credits;
use mintmark_domain::account::Tier;
use serde_json::{Value, json};

use crate::app::{ask, ask_as, code, data, start};
use crate::support::{TestAccount, TestApp};

const GENERATE: &str = "mutation ($private: Boolean!, $team: Long) { generate(waitSeconds: 60, input: {generator: \
    \"joke\", model: \"3\", prompt: \"Bugs\", private: $private, team: $team}) \
    { run { status outputs { creationNumber } } available } }";

pub async fn name(app: &TestApp, key: &str) -> String {
    let me = ask_as(app, key, "{ viewer { username } }", json!({})).await;
    data(&me)["viewer"]["username"].as_str().unwrap().to_owned()
}

/// A joke of somebody's; its number.
pub async fn joke(app: &TestApp, key: &str, private: bool) -> u64 {
    let made = ask_as(app, key, GENERATE, json!({ "private": private })).await;
    data(&made)["generate"]["run"]["outputs"][0]["creationNumber"].as_u64().unwrap()
}

const VIEWER: &str = "{ viewer { displayName bio website avatar joinedAt creationCount followerCount \
    followingCount } }";

/// A moment to the second, as REST writes it too.
fn moment(written: &Value) -> String {
    written.as_str().unwrap()[..19].replace('T', " ")
}

pub fn numbers(connection: &Value) -> Vec<u64> {
    let edges = connection["edges"].as_array().unwrap();
    edges.iter().map(|edge| edge["node"]["number"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_one_follows_is_in_the_feed_and_listed() {
    let app = start().await;
    let ann = app.register(Tier::Unlimited, 0).await;
    let (author, follower) = (name(&app, &app.account.key).await, name(&app, &ann.key).await);
    let public = joke(&app, &app.account.key, false).await;
    joke(&app, &app.account.key, true).await;
    let follow = "mutation ($who: String!) { followUser(username: $who) { username followerCount followedByMe } }";
    let followed = ask_as(&app, &ann.key, follow, json!({ "who": author })).await;
    let expected = json!({"username": author, "followerCount": 1, "followedByMe": true});
    assert_eq!(data(&followed)["followUser"], expected);
    app.caught_up().await;
    let seen = ask_as(&app, &ann.key, "{ feed { edges { node { number username } } } }", json!({})).await;
    assert_eq!(numbers(&data(&seen)["feed"]), [public], "public ones alone");
    let profile = "query ($who: String!) { user(username: $who) { creationCount followers { edges { followedAt \
                   node { username following { edges { followedAt node { username } } } } } } \
                   creations { edges { node { number } } } } }";
    // No key is needed to see what everybody may see.
    let body = json!({"query": profile, "variables": {"who": author}});
    let seen = app.client.post(format!("{}/graphql", app.base_url)).json(&body).send().await.unwrap();
    let seen: Value = seen.json().await.unwrap();
    let user = &data(&seen)["user"];
    assert_eq!((&user["creationCount"], numbers(&user["creations"])), (&json!(1), vec![public]));
    let listed = &user["followers"]["edges"][0]["node"];
    assert_eq!(listed["username"], json!(follower));
    assert_eq!(listed["following"]["edges"][0]["node"]["username"], json!(author));
    let since = &user["followers"]["edges"][0]["followedAt"];
    assert_eq!(listed["following"]["edges"][0]["followedAt"], *since, "one follow, seen from both ends");
    let rest = app.get(&format!("/api/v1/users/{author}/followers")).await.json_of(200);
    assert_eq!(moment(since), moment(&rest["data"][0]["followed_at"]));
    // Of oneself everything counts; others see what is public.
    let own = ask(&app, VIEWER, json!({})).await;
    let own = &data(&own)["viewer"];
    let me = app.get("/api/v1/users/me").await.json_of(200);
    for (here, there) in [
        ("creationCount", "creation_count"),
        ("followerCount", "follower_count"),
        ("followingCount", "following_count"),
    ] {
        assert_eq!(own[here], me["data"][there], "{here}");
    }
    assert_eq!((&own["creationCount"], &own["followerCount"]), (&json!(2), &json!(1)));
    assert_eq!(moment(&own["joinedAt"]), moment(&me["data"]["joined"]));
    let unfollow = "mutation ($who: String!) { unfollowUser(username: $who) { followerCount followedByMe } }";
    let left = ask_as(&app, &ann.key, unfollow, json!({ "who": author })).await;
    assert_eq!(data(&left)["unfollowUser"], json!({"followerCount": 0, "followedByMe": false}));
    let nobody = ask_as(&app, &ann.key, follow, json!({"who": "nobody_at_all"})).await;
    assert_eq!(code(&nobody), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_is_commented_on_voted_on_and_rated() {
    let app = start().await;
    let ann = app.register(Tier::Unlimited, 0).await;
    let number = joke(&app, &app.account.key, false).await;
    let comment = "mutation ($on: Long!, $text: String!, $parent: Long) \
                   { createComment(creationNumber: $on, text: $text, parentNumber: $parent) { number depth text } }";
    let first = ask_as(&app, &ann.key, comment, json!({"on": number, "text": "Ha"})).await;
    let first = data(&first)["createComment"]["number"].clone();
    let answer = ask(&app, comment, json!({"on": number, "text": "Thanks", "parent": first})).await;
    assert_eq!(data(&answer)["createComment"]["depth"], 1);
    let vote = "mutation ($number: Long!, $vote: Vote!) { voteComment(number: $number, vote: $vote) \
                { upvotes downvotes myVote } }";
    for (said, up, down) in [("UP", 1, 0), ("UP", 1, 0), ("DOWN", 0, 1)] {
        let voted = ask(&app, vote, json!({"number": first, "vote": said})).await;
        assert_eq!(data(&voted)["voteComment"], json!({"upvotes": up, "downvotes": down, "myVote": said}));
    }
    let rate = "mutation ($number: Long!, $score: Int!) { rateCreation(number: $number, score: $score) \
                { average count myScore } }";
    ask(&app, rate, json!({"number": number, "score": 3})).await;
    let rated = ask_as(&app, &ann.key, rate, json!({"number": number, "score": 4})).await;
    assert_eq!(data(&rated)["rateCreation"], json!({"average": 3.5, "count": 2, "myScore": 4}));
    let wrong = ask(&app, rate, json!({"number": number, "score": 6})).await;
    assert_eq!((code(&wrong), &wrong["errors"][0]["extensions"]["field"]), ("BAD_USER_INPUT", &json!("score")));

    let read = "query ($number: Long!, $after: String) { creation(number: $number) { commentCount \
                comments(first: 1, after: $after) { edges { node { number text username } } pageInfo { hasNextPage \
                endCursor } } } }";
    let page = ask(&app, read, json!({ "number": number })).await;
    let shown = &data(&page)["creation"];
    let of_one = &shown["comments"]["edges"][0]["node"];
    assert_eq!((&shown["commentCount"], &of_one["text"]), (&json!(2), &json!("Ha")));
    let after = &shown["comments"]["pageInfo"]["endCursor"];
    let page = ask(&app, read, json!({"number": number, "after": after})).await;
    let rest = &data(&page)["creation"]["comments"];
    assert_eq!(rest["edges"][0]["node"]["text"], "Thanks");
    assert_eq!(rest["pageInfo"]["hasNextPage"], false);
    let newest = read.replace("first: 1,", "order: NEWEST, first: 1,");
    let mut after = Value::Null;
    for text in ["Thanks", "Ha"] {
        let page = ask(&app, &newest, json!({"number": number, "after": after})).await;
        let comments = &data(&page)["creation"]["comments"];
        assert_eq!(comments["edges"][0]["node"]["text"], text, "the latest first");
        after = comments["pageInfo"]["endCursor"].clone();
    }
    let taken = ask_as(&app, &ann.key, "mutation ($n: Long!) { deleteComment(number: $n) }", json!({"n": first})).await;
    assert_eq!(data(&taken)["deleteComment"], true);
    let page = ask(&app, read, json!({ "number": number })).await;
    let gap = &data(&page)["creation"]["comments"]["edges"][0]["node"];
    assert_eq!((&gap["text"], &gap["username"]), (&Value::Null, &Value::Null), "a gap that holds its answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_changed_whole_or_not_at_all() {
    let app = start().await;
    let change = "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { displayName bio website \
                  avatar } }";
    let picture = "https://example.com/photo.png";
    for (field, value) in
        [("website", "no address".to_owned()), ("bio", "x".repeat(1_001)), ("displayName", "x".repeat(81))]
    {
        let mut input = json!({"avatarUrl": picture, "displayName": "Ann", "bio": "Says little"});
        input[field] = json!(value);
        let refused = ask(&app, change, json!({ "input": input })).await;
        assert_eq!((code(&refused), &refused["errors"][0]["extensions"]["field"]), ("BAD_USER_INPUT", &json!(field)));
    }
    let mut seen = data(&ask(&app, VIEWER, json!({})).await)["viewer"].clone();
    assert_eq!([&seen["displayName"], &seen["bio"], &seen["avatar"]], [&json!(""), &json!(""), &Value::Null]);
    let input = json!({"avatarUrl": picture, "displayName": "Ann", "website": "https://example.com"});
    let changed = data(&ask(&app, change, json!({ "input": input })).await)["updateProfile"].clone();
    assert!(changed["avatar"].as_str().unwrap().contains("/avatar/"), "{changed}");
    seen = data(&ask(&app, VIEWER, json!({})).await)["viewer"].clone();
    assert_eq!([&seen["displayName"], &seen["website"]], ["Ann", "https://example.com"]);
    let bare = ask(&app, change, json!({"input": {"avatarUrl": ""}})).await;
    assert_eq!(data(&bare)["updateProfile"]["avatar"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn credits_are_given_once_under_one_key() {
    let app = start().await;
    let ann = app.register(Tier::Unlimited, 0).await;
    let who = name(&app, &ann.key).await;
    let give = "mutation ($who: String!, $amount: Credits!) \
                { giveCredits(username: $who, amount: $amount, idempotencyKey: \"k\") { id status replayed available } }";
    let before = balance(&app, &app.account).await;
    let first = ask(&app, give, json!({"who": who, "amount": "2.5"})).await;
    let first = &data(&first)["giveCredits"];
    assert_eq!((&first["status"], &first["replayed"]), (&json!("delivered"), &json!(false)));
    let again = ask(&app, give, json!({"who": who, "amount": "2.5"})).await;
    let again = &data(&again)["giveCredits"];
    assert_eq!((&again["id"], &again["replayed"]), (&first["id"], &json!(true)));
    let other = ask(&app, give, json!({"who": who, "amount": "3"})).await;
    assert_eq!(code(&other), "IDEMPOTENCY_KEY_REUSED");
    let worth: Credits = "2.5".parse().unwrap();
    assert_eq!((before - balance(&app, &app.account).await, balance(&app, &ann).await), (worth, worth));
}

async fn balance(app: &TestApp, account: &TestAccount) -> Credits {
    let wallet = ask_as(app, &account.key, "{ wallet { available } }", json!({})).await;
    data(&wallet)["wallet"]["available"].as_str().unwrap().parse().unwrap()
}

/// A team of the app's own account's with one member, who has no credits; its number and the member.
async fn team(app: &TestApp) -> (Value, TestAccount) {
    let ann = app.register(Tier::Unlimited, 0).await;
    let made = ask(app, "mutation { createTeam(name: \"Us\") { number inviteCode } }", json!({})).await;
    let made = data(&made)["createTeam"].clone();
    let join = "mutation ($code: String!) { joinTeam(inviteCode: $code) { members { role } } }";
    let joined = ask_as(app, &ann.key, join, json!({"code": made["inviteCode"]})).await;
    assert_eq!(data(&joined)["joinTeam"]["members"], json!([{"role": "owner"}, {"role": "member"}]));
    (made["number"].clone(), ann)
}

/// Waits until a run of hers has failed, and the read models know it.
async fn failed(app: &TestApp, ann: &TestAccount, run: &Value) {
    let status = "query ($id: ID!) { run(id: $id) { status } }";
    let begun = std::time::Instant::now();
    while data(&ask_as(app, &ann.key, status, json!({ "id": run })).await)["run"]["status"] != "FAILED" {
        assert!(begun.elapsed().as_secs() < 60, "the run does not end");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    app.caught_up().await;
}

const FUND: &str = "mutation ($team: Long!, $amount: Credits!) { fundTeam(number: $team, amount: $amount) { status } }";
const PURSE: &str = "mutation ($team: Long!, $limit: Credits!) \
                     { setTeamWallet(number: $team, pays: true, memberLimit: $limit) { wallet { available } } }";
const WALLET: &str = "query ($team: Long!) \
                      { team(number: $team) { wallet { available members { userId limit drawn left ownLimit } } } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_member_spends_of_the_teams_wallet_up_to_the_limit_and_not_a_credit_more() {
    let app = start().await;
    let (team, ann) = team(&app).await;
    let before = balance(&app, &app.account).await;
    data(&ask(&app, FUND, json!({"team": team, "amount": "30"})).await);
    let set = ask(&app, PURSE, json!({"team": team, "limit": "5"})).await;
    assert_eq!(data(&set)["setTeamWallet"]["wallet"]["available"], "30");

    // Twelve at once with a limit of five: five are made, and the rest is told which limit bound.
    let tries = (0..12).map(|_| ask_as(&app, &ann.key, GENERATE, json!({"private": false, "team": team})));
    let answers = futures::future::join_all(tries).await;
    let (made, refused): (Vec<&Value>, Vec<&Value>) = answers.iter().partition(|answer| answer.get("errors").is_none());
    assert_eq!((made.len(), refused.len()), (5, 7), "{answers:?}");
    for answer in refused {
        assert_eq!(code(answer), "INSUFFICIENT_CREDITS", "{answer}");
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("the team lets this member spend 5"), "{message}");
    }
    let wallet = ask(&app, WALLET, json!({ "team": team })).await;
    let wallet = &data(&wallet)["team"]["wallet"];
    assert_eq!(wallet["available"], "25");
    assert_eq!((&wallet["members"][1]["drawn"], &wallet["members"][1]["left"]), (&json!("5"), &json!("0")));
    assert_eq!(balance(&app, &ann).await, Credits::ZERO);

    // A limit of one's own, and what remains is told.
    let limit = "mutation ($team: Long!, $user: Long!) \
                 { setTeamMemberLimit(number: $team, userId: $user, limit: \"7\") { members { limit ownLimit } } }";
    let user = wallet["members"][1]["userId"].clone();
    let set = ask(&app, limit, json!({"team": team, "user": user})).await;
    assert_eq!(data(&set)["setTeamMemberLimit"]["members"][1], json!({"limit": "7", "ownLimit": true}));
    let one = ask_as(&app, &ann.key, GENERATE, json!({"private": false, "team": team})).await;
    assert_eq!(data(&one)["generate"]["available"], "1");

    // The last one out takes what is left: nothing is lost.
    let left =
        ask_as(&app, &ann.key, "mutation ($team: Long!) { leaveTeam(number: $team) }", json!({ "team": team })).await;
    assert_eq!(data(&left)["leaveTeam"], true);
    let closed = ask(&app, "mutation ($team: Long!) { leaveTeam(number: $team) }", json!({ "team": team })).await;
    assert_eq!(data(&closed)["leaveTeam"], true);
    assert_eq!(before - balance(&app, &app.account).await, Credits::whole(6), "six jokes at one credit");
    let gone = ask(&app, WALLET, json!({ "team": team })).await;
    assert_eq!(data(&gone)["team"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_removed_member_had_drawn_and_not_spent_is_the_teams_again() {
    let app = start().await;
    let (team, ann) = team(&app).await;
    data(&ask(&app, FUND, json!({"team": team, "amount": "30"})).await);
    data(&ask(&app, PURSE, json!({"team": team, "limit": "20"})).await);
    // A run that fails costs nothing: what was drawn for it stays with the member, and can be spent.
    let failing = GENERATE.replace("Bugs", "Bugs [sandbox:fail]");
    let failed = ask_as(&app, &ann.key, &failing, json!({"private": false, "team": team})).await;
    assert_eq!(data(&failed)["generate"]["run"]["status"], "FAILED");
    let wallet = ask(&app, WALLET, json!({ "team": team })).await;
    let share = data(&wallet)["team"]["wallet"]["members"][1].clone();
    assert_eq!((&data(&wallet)["team"]["wallet"]["available"], &share["drawn"]), (&json!("29"), &json!("1")));
    let remove = "mutation ($team: Long!, $user: Long!) { removeTeamMember(number: $team, userId: $user) \
                  { wallet { available members { drawn } } } }";
    let removed = ask(&app, remove, json!({"team": team, "user": share["userId"]})).await;
    let wallet = &data(&removed)["removeTeamMember"]["wallet"];
    assert_eq!((&wallet["available"], wallet["members"].as_array().unwrap().len()), (&json!("30"), 1));
    let refused = ask_as(&app, &ann.key, GENERATE, json!({"private": false, "team": team})).await;
    assert_eq!((code(&refused), &refused["errors"][0]["extensions"]["field"]), ("BAD_USER_INPUT", &json!("team")));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_wallet_that_pays_whoever_acts_pays_and_the_team_lists_it() {
    let app = start().await;
    let (team, ann) = team(&app).await;
    let poor = ask_as(&app, &ann.key, GENERATE, json!({"private": false, "team": team})).await;
    assert_eq!(code(&poor), "INSUFFICIENT_CREDITS");
    let made = ask(&app, GENERATE, json!({"private": false, "team": team})).await;
    let number = data(&made)["generate"]["run"]["outputs"][0]["creationNumber"].as_u64().unwrap();
    ask(&app, GENERATE, json!({"private": true, "team": team})).await;
    app.caught_up().await;
    let read = "query ($team: Long!) { team(number: $team) { creations { edges { node { number } } } } }";
    let seen = ask_as(&app, &ann.key, read, json!({ "team": team })).await;
    assert_eq!(numbers(&data(&seen)["team"]["creations"]), [number], "another's private ones are nobody else's");
    let own = ask(&app, read, json!({ "team": team })).await;
    assert_eq!(numbers(&data(&own)["team"]["creations"]).len(), 2);
    let stranger = app.register(Tier::Unlimited, 5).await;
    let none = ask_as(&app, &stranger.key, read, json!({ "team": team })).await;
    assert_eq!(data(&none)["team"], Value::Null);
    for (mutation, name) in [
        ("renameTeam(number: $team, name: \"X\") { name }", "renameTeam"),
        ("setTeamWallet(number: $team, pays: true, memberLimit: \"1\") { name }", "setTeamWallet"),
    ] {
        let query = format!("mutation ($team: Long!) {{ {mutation} }}");
        let refused = ask_as(&app, &stranger.key, &query, json!({ "team": team })).await;
        assert_eq!(code(&refused), "NOT_FOUND", "{name}");
        let refused = ask_as(&app, &ann.key, &query, json!({ "team": team })).await;
        assert_eq!(code(&refused), "FORBIDDEN", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_member_drew_and_did_not_spend_is_the_teams_again() {
    let app = start().await;
    let (team, ann) = team(&app).await;
    data(&ask(&app, FUND, json!({"team": team, "amount": "30"})).await);
    data(&ask(&app, PURSE, json!({"team": team, "limit": "20"})).await);
    let fails = "mutation ($team: Long) { generate(input: {generator: \"joke\", model: \"3\", private: false, team: $team, \
                 prompt: \"Bugs [sandbox:fail]\"}) { run { id } } }";
    let share = async |drawn: &str, available: &str, what: &str| {
        let wallet = data(&ask(&app, WALLET, json!({ "team": team })).await)["team"]["wallet"].clone();
        let member = &wallet["members"][1];
        assert_eq!((&member["drawn"], &wallet["available"]), (&json!(drawn), &json!(available)), "{what}");
        member["userId"].clone()
    };
    let run = ask_as(&app, &ann.key, fails, json!({ "team": team })).await;
    failed(&app, &ann, &data(&run)["generate"]["run"]["id"]).await;
    let user = share("1", "29", "drawn for a run that failed").await;
    let since = |minutes: i64| app.core.now() + chrono::TimeDelta::minutes(minutes);
    mintmark_infra::gifts::send_stranded(&app.core, &app.reads, since(-10), None).await.unwrap();
    share("1", "29", "not idle for long").await;
    mintmark_infra::gifts::send_stranded(&app.core, &app.reads, since(1), None).await.unwrap();
    share("0", "30", "idle").await;
    let run = ask_as(&app, &ann.key, fails, json!({ "team": team })).await;
    failed(&app, &ann, &data(&run)["generate"]["run"]["id"]).await;
    share("1", "29", "drawn again").await;
    let limit = "mutation ($team: Long!, $user: Long!) \
                 { setTeamMemberLimit(number: $team, userId: $user, limit: \"0\") { available } }";
    data(&ask(&app, limit, json!({"team": team, "user": user})).await);
    share("0", "30", "another limit holds for all that is not spent").await;
    let refused = ask_as(&app, &ann.key, fails, json!({ "team": team })).await;
    assert_eq!(code(&refused), "INSUFFICIENT_CREDITS");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_of_a_removed_member_gives_back_later_is_the_teams_too() {
    let app = start().await;
    let (team, ann) = team(&app).await;
    data(&ask(&app, FUND, json!({"team": team, "amount": "30"})).await);
    data(&ask(&app, PURSE, json!({"team": team, "limit": "20"})).await);
    let slow = "mutation ($team: Long) { generate(input: {generator: \"joke\", model: \"3\", private: false, team: $team, \
                prompt: \"Bugs [sandbox:slow=2] [sandbox:fail]\"}) { run { id } } }";
    let run = ask_as(&app, &ann.key, slow, json!({ "team": team })).await;
    let run = data(&run)["generate"]["run"]["id"].clone();
    let share = data(&ask(&app, WALLET, json!({ "team": team })).await)["team"]["wallet"]["members"][1].clone();
    let remove = "mutation ($team: Long!, $user: Long!) { removeTeamMember(number: $team, userId: $user) { number } }";
    data(&ask(&app, remove, json!({"team": team, "user": share["userId"]})).await);
    let wallet = ask(&app, WALLET, json!({ "team": team })).await;
    assert_eq!(data(&wallet)["team"]["wallet"]["available"], "29", "the rest is held for the run");
    failed(&app, &ann, &run).await;
    for _ in 0..2 {
        mintmark_infra::gifts::send_stranded(&app.core, &app.reads, app.core.now() - chrono::TimeDelta::hours(1), None)
            .await
            .unwrap();
        app.caught_up().await;
    }
    let wallet = ask(&app, WALLET, json!({ "team": team })).await;
    assert_eq!(data(&wallet)["team"]["wallet"]["available"], "30", "once, however often it is looked for");
}
