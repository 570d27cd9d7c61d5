//! The stores of sign-in: one suite, against Postgres and in memory.

use std::sync::Arc;

use chrono::TimeDelta;
use mintmark_domain::Timestamp;
use mintmark_domain::account::{ActsWith, Scope, Scopes};
use mintmark_domain::ids::AccountId;
use mintmark_domain::ports::{
    CliSession, CliSessions, CliStatus, CliVerdict, Clock as _, KeptPassword, ManualClock, SignIns,
    WRONG_VERIFIERS_MAX, WebSession,
};
use mintmark_infra::identity::{self, MemoryCliSessions, MemorySignIns, PgCliSessions, PgSignIns, SESSIONS_MAX};
use mintmark_infra::keys::MasterKey;
use mintmark_testkit::TestDb;
use uuid::Uuid;

const ANN: AccountId = AccountId(Uuid::from_u128(0xa));
const BOB: AccountId = AccountId(Uuid::from_u128(0xb));

fn now() -> Timestamp {
    ManualClock::default().now()
}

fn later(minutes: i64) -> Timestamp {
    now() + TimeDelta::minutes(minutes)
}

fn session(id: &str) -> CliSession {
    CliSession {
        id: id.into(),
        client_id: "genfire-cli".into(),
        challenge: "c".repeat(43),
        scopes: Scopes::only([Scope::RunsRead, Scope::ImagesWrite]),
        label: Some("laptop".into()),
        status: CliStatus::Pending,
        expires_at: later(10),
    }
}

fn approval() -> CliVerdict {
    CliVerdict::Approved { account: ANN, by: ActsWith::Key(41), scopes: Scopes::only([Scope::RunsRead]) }
}

async fn cli_sessions_go_their_way(store: &dyn CliSessions) {
    store.open(&session("one"), now()).await.unwrap();
    assert_eq!(store.find("one").await.unwrap(), Some(session("one")));
    assert_eq!(store.find("two").await.unwrap(), None);
    assert_eq!(store.consume("one", now()).await.unwrap(), None, "not approved");
    assert!(!store.judge("two", &approval(), now()).await.unwrap());
    assert!(!store.judge("one", &approval(), later(10)).await.unwrap(), "too late");
    assert!(store.judge("one", &approval(), later(9)).await.unwrap());
    assert!(!store.judge("one", &CliVerdict::Denied, now()).await.unwrap(), "said once");
    assert_eq!(store.consume("one", later(10)).await.unwrap(), None, "too late");
    let approved = (ANN, ActsWith::Key(41), Scopes::only([Scope::RunsRead]));
    assert_eq!(store.consume("one", now()).await.unwrap(), Some(approved.clone()));
    assert_eq!(store.consume("one", now()).await.unwrap(), None, "used up");
    store.give_back("one").await.unwrap();
    assert_eq!(store.consume("one", now()).await.unwrap(), Some(approved));

    store.open(&session("two"), now()).await.unwrap();
    assert!(store.judge("two", &approval(), now()).await.unwrap());
    for wrong in 1..=WRONG_VERIFIERS_MAX {
        assert_eq!(store.find("two").await.unwrap().unwrap().status, CliStatus::Approved);
        assert_eq!(store.wrong_verifier("two").await.unwrap(), wrong);
    }
    assert_eq!(store.find("two").await.unwrap().unwrap().status, CliStatus::Expired);
    assert_eq!(store.consume("two", now()).await.unwrap(), None);
    store.give_back("two").await.unwrap();
    assert_eq!(store.consume("two", now()).await.unwrap(), None, "what has ended is not given back");

    store.open(&session("three"), now()).await.unwrap();
    assert!(store.judge("three", &CliVerdict::Denied, now()).await.unwrap());
    assert_eq!(store.find("three").await.unwrap().unwrap().status, CliStatus::Denied);
    assert_eq!(store.sweep(later(10)).await.unwrap(), 0);
    assert_eq!(store.sweep(later(11)).await.unwrap(), 3);
    assert_eq!(store.find("three").await.unwrap(), None);
}

async fn sign_ins_go_their_way(store: &dyn SignIns) {
    let token = |n: u8| [n; 32];
    store.put_link(token(1), ANN, later(10)).await.unwrap();
    assert_eq!(store.link(token(1), now()).await.unwrap(), Some(ANN));
    store.put_link(token(2), ANN, later(10)).await.unwrap();
    assert_eq!(store.password(ANN).await.unwrap(), None);
    assert_eq!(store.set_password_by_link(token(1), "one", now()).await.unwrap(), None, "replaced");
    assert_eq!(store.set_password_by_link(token(2), "one", later(10)).await.unwrap(), None, "too late");
    assert_eq!(store.set_password_by_link(token(2), "one", now()).await.unwrap(), Some((ANN, 1)));
    assert_eq!(store.set_password_by_link(token(2), "two", now()).await.unwrap(), None, "used up");
    assert_eq!(store.password(ANN).await.unwrap(), Some(KeptPassword { hash: "one".into(), version: 1 }));
    assert_eq!(store.set_first_password(ANN, "x").await.unwrap(), None, "it has one");
    assert_eq!(store.password(BOB).await.unwrap(), None);
    assert_eq!(store.set_first_password(BOB, "b").await.unwrap(), Some(1));

    let of = |account, minutes| WebSession { account, began_at: later(minutes), seen_at: later(minutes) };
    assert!(store.put_session(token(1), &of(ANN, 0), 1).await.unwrap());
    assert!(store.put_session(token(2), &of(ANN, 1), 1).await.unwrap());
    assert!(store.put_session(token(3), &of(BOB, 0), 1).await.unwrap());
    store.seen(token(1), later(5)).await.unwrap();
    store.seen(token(1), later(4)).await.unwrap();
    let kept = store.session(token(1)).await.unwrap().unwrap();
    assert_eq!((kept.account, kept.began_at, kept.seen_at), (ANN, later(0), later(5)));
    assert!(!store.change_password(ANN, 7, "two", token(1)).await.unwrap(), "another one");
    assert!(store.session(token(2)).await.unwrap().is_some());
    assert!(store.change_password(ANN, 1, "two", token(1)).await.unwrap());
    assert!(!store.change_password(ANN, 1, "three", token(1)).await.unwrap(), "changed by now");
    assert_eq!(store.password(ANN).await.unwrap(), Some(KeptPassword { hash: "two".into(), version: 2 }));
    assert!(store.session(token(1)).await.unwrap().is_some(), "the one that changed it");
    assert_eq!(store.session(token(2)).await.unwrap(), None);
    assert!(store.session(token(3)).await.unwrap().is_some(), "another's");
    assert!(!store.put_session(token(4), &of(ANN, 2), 1).await.unwrap(), "proven with what was changed");
    assert_eq!(store.session(token(4)).await.unwrap(), None);
    store.end_session(token(3)).await.unwrap();
    assert_eq!(store.session(token(3)).await.unwrap(), None);
    store.put_link(token(9), BOB, later(3)).await.unwrap();
    assert_eq!(store.sweep(later(3), later(5)).await.unwrap(), 1, "the link");
    assert_eq!(store.sweep(later(3), later(6)).await.unwrap(), 1, "the session");

    // With one more than an account may have, the oldest ends.
    for n in 0..=u8::try_from(SESSIONS_MAX).unwrap() {
        assert!(store.put_session(token(100 + n), &of(ANN, i64::from(n)), 2).await.unwrap());
    }
    assert_eq!(store.session(token(100)).await.unwrap(), None);
    assert!(store.session(token(101)).await.unwrap().is_some());
    store.put_link(token(8), ANN, later(10)).await.unwrap();
    assert_eq!(store.set_password_by_link(token(8), "three", now()).await.unwrap(), Some((ANN, 3)));
    assert_eq!(store.session(token(101)).await.unwrap(), None, "a link leaves none");
}

async fn a_new_password_ends_what_was_approved(people: &dyn SignIns, store: &dyn CliSessions) {
    let version = people.set_first_password(ANN, "one").await.unwrap().unwrap();
    for id in ["approved", "pending", "consumed"] {
        store.open(&session(id), now()).await.unwrap();
    }
    assert!(store.judge("approved", &approval(), now()).await.unwrap());
    assert!(store.judge("consumed", &approval(), now()).await.unwrap());
    assert!(store.consume("consumed", now()).await.unwrap().is_some());
    assert!(people.change_password(ANN, version, "two", [1; 32]).await.unwrap());
    let mut statuses = Vec::new();
    for id in ["approved", "pending", "consumed"] {
        statuses.push(store.find(id).await.unwrap().unwrap().status);
    }
    assert_eq!(statuses, [CliStatus::Expired, CliStatus::Pending, CliStatus::Consumed]);
    assert_eq!(store.consume("approved", now()).await.unwrap(), None);
}

#[tokio::test]
async fn cli_sessions_in_memory() {
    cli_sessions_go_their_way(&MemoryCliSessions::default()).await;
}

#[tokio::test]
async fn sign_ins_in_memory() {
    sign_ins_go_their_way(&MemorySignIns::beside(Arc::default())).await;
    let cli_sessions = Arc::<MemoryCliSessions>::default();
    a_new_password_ends_what_was_approved(&MemorySignIns::beside(cli_sessions.clone()), &*cli_sessions).await;
}

#[tokio::test]
async fn cli_sessions_on_postgres() {
    let db = TestDb::with_sql(&[identity::script()]).await;
    cli_sessions_go_their_way(&PgCliSessions::new(db.pool().clone())).await;
    db.close().await;
}

#[tokio::test]
async fn sign_ins_on_postgres_where_no_hash_lies_open() {
    let db = TestDb::with_sql(&[identity::script()]).await;
    let store = PgSignIns::new(db.pool().clone(), &MasterKey::from_bytes([1; 32]));
    sign_ins_go_their_way(&store).await;
    store.put_link([7; 32], ANN, later(10)).await.unwrap();
    store.set_password_by_link([7; 32], "$argon2id$a-hash", now()).await.unwrap().unwrap();
    let open: bool =
        sqlx::query_scalar("SELECT bool_or(position('argon2' in encode(sealed, 'escape')) > 0) FROM passwords")
            .fetch_one(db.pool())
            .await
            .unwrap();
    assert!(!open);
    // A row moved to another account opens for nobody.
    sqlx::query("UPDATE passwords SET sealed = (SELECT sealed FROM passwords WHERE account = $2) WHERE account = $1")
        .bind(BOB.0)
        .bind(ANN.0)
        .execute(db.pool())
        .await
        .unwrap();
    store.password(BOB).await.unwrap_err();
    db.close().await;
}

#[tokio::test]
async fn a_new_password_ends_what_was_approved_on_postgres() {
    let db = TestDb::with_sql(&[identity::script()]).await;
    let store = PgSignIns::new(db.pool().clone(), &MasterKey::from_bytes([1; 32]));
    a_new_password_ends_what_was_approved(&store, &PgCliSessions::new(db.pool().clone())).await;
    db.close().await;
}

#[tokio::test]
async fn a_password_is_set_whole_or_not_at_all() {
    let db = TestDb::with_sql(&[identity::script()]).await;
    let store = PgSignIns::new(db.pool().clone(), &MasterKey::from_bytes([1; 32]));
    let version = store.set_first_password(ANN, "one").await.unwrap().unwrap();
    let of = WebSession { account: ANN, began_at: now(), seen_at: now() };
    assert!(store.put_session([1; 32], &of, version).await.unwrap());
    store.put_link([2; 32], ANN, later(10)).await.unwrap();
    // The last step fails, as if the server died before it.
    sqlx::raw_sql(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
         CREATE TRIGGER fail BEFORE DELETE ON web_sessions FOR EACH ROW EXECUTE FUNCTION fail();",
    )
    .execute(db.pool())
    .await
    .unwrap();
    store.set_password_by_link([2; 32], "two", now()).await.unwrap_err();
    store.change_password(ANN, version, "two", [9; 32]).await.unwrap_err();
    assert_eq!(store.password(ANN).await.unwrap(), Some(KeptPassword { hash: "one".into(), version }));
    assert_eq!(store.link([2; 32], now()).await.unwrap(), Some(ANN), "it can be used again");
    assert!(store.session([1; 32]).await.unwrap().is_some());
    db.close().await;
}

#[tokio::test]
async fn a_session_waits_for_a_change_of_the_password_that_is_under_way() {
    let db = TestDb::with_sql(&[identity::script()]).await;
    let store = PgSignIns::new(db.pool().clone(), &MasterKey::from_bytes([1; 32]));
    let version = store.set_first_password(ANN, "one").await.unwrap().unwrap();
    // A change that has written and is not done.
    let mut change = db.pool().begin().await.unwrap();
    sqlx::query("UPDATE passwords SET version = version + 1").execute(&mut *change).await.unwrap();
    let late = tokio::spawn(async move {
        let of = WebSession { account: ANN, began_at: now(), seen_at: now() };
        store.put_session([1; 32], &of, version).await
    });
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                 AND wait_event_type = 'Lock' AND query LIKE '%web_sessions%')";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(db.pool()).await.unwrap() {
        assert!(!late.is_finished(), "it did not wait");
        tokio::task::yield_now().await;
    }
    change.commit().await.unwrap();
    assert!(!late.await.unwrap().unwrap());
    db.close().await;
}

#[tokio::test]
async fn processes_that_start_at_once_make_the_tables_together() {
    let db = TestDb::with_sql(&["SELECT 1"]).await;
    let all = futures::future::join_all((0..8).map(|_| identity::prepare(db.pool()))).await;
    assert!(all.into_iter().all(|one| one.is_ok()));
    db.close().await;
}
