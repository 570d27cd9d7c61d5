//! The stores of sign-in: one suite, against Postgres and in memory.

use chrono::TimeDelta;
use mintmark_domain::Timestamp;
use mintmark_domain::account::{ActsWith, Scope, Scopes};
use mintmark_domain::ids::AccountId;
use mintmark_domain::ports::{
    CliSession, CliSessions, CliStatus, CliVerdict, Clock as _, ManualClock, SignIns, WRONG_VERIFIERS_MAX, WebSession,
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
    assert_eq!(store.take_link(token(1), now()).await.unwrap(), None, "replaced");
    assert_eq!(store.take_link(token(2), later(10)).await.unwrap(), None, "too late");
    assert_eq!(store.take_link(token(2), now()).await.unwrap(), Some(ANN));
    assert_eq!(store.take_link(token(2), now()).await.unwrap(), None, "used up");

    assert_eq!(store.password(ANN).await.unwrap(), None);
    store.put_password(ANN, "one").await.unwrap();
    store.put_password(ANN, "two").await.unwrap();
    assert_eq!(store.password(ANN).await.unwrap().as_deref(), Some("two"));
    assert_eq!(store.password(BOB).await.unwrap(), None);

    let of = |account, minutes| WebSession { account, began_at: later(minutes), seen_at: later(minutes) };
    store.put_session(token(1), &of(ANN, 0)).await.unwrap();
    store.put_session(token(2), &of(ANN, 1)).await.unwrap();
    store.put_session(token(3), &of(BOB, 0)).await.unwrap();
    store.seen(token(1), later(5)).await.unwrap();
    store.seen(token(1), later(4)).await.unwrap();
    let kept = store.session(token(1)).await.unwrap().unwrap();
    assert_eq!((kept.account, kept.began_at, kept.seen_at), (ANN, later(0), later(5)));
    assert_eq!(store.end_others(ANN, Some(token(1))).await.unwrap(), 1);
    assert_eq!(store.session(token(2)).await.unwrap(), None);
    assert!(store.session(token(3)).await.unwrap().is_some(), "another's");
    store.end_session(token(3)).await.unwrap();
    assert_eq!(store.session(token(3)).await.unwrap(), None);
    store.put_link(token(9), BOB, later(3)).await.unwrap();
    assert_eq!(store.sweep(later(3), later(5)).await.unwrap(), 1, "the link");
    assert_eq!(store.sweep(later(3), later(6)).await.unwrap(), 1, "the session");

    // With one more than an account may have, the oldest ends.
    for n in 0..=u8::try_from(SESSIONS_MAX).unwrap() {
        store.put_session(token(100 + n), &of(ANN, i64::from(n))).await.unwrap();
    }
    assert_eq!(store.session(token(100)).await.unwrap(), None);
    assert_eq!(store.end_others(ANN, None).await.unwrap(), u64::try_from(SESSIONS_MAX).unwrap());
}

#[tokio::test]
async fn cli_sessions_in_memory() {
    cli_sessions_go_their_way(&MemoryCliSessions::default()).await;
}

#[tokio::test]
async fn sign_ins_in_memory() {
    sign_ins_go_their_way(&MemorySignIns::default()).await;
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
    store.put_password(ANN, "$argon2id$a-hash").await.unwrap();
    let open: bool =
        sqlx::query_scalar("SELECT bool_or(position('argon2' in encode(sealed, 'escape')) > 0) FROM passwords")
            .fetch_one(db.pool())
            .await
            .unwrap();
    assert!(!open);
    // A row moved to another account opens for nobody.
    sqlx::query("INSERT INTO passwords (account, sealed) SELECT $1, sealed FROM passwords WHERE account = $2")
        .bind(BOB.0)
        .bind(ANN.0)
        .execute(db.pool())
        .await
        .unwrap();
    store.password(BOB).await.unwrap_err();
    db.close().await;
}

#[tokio::test]
async fn processes_that_start_at_once_make_the_tables_together() {
    let db = TestDb::with_sql(&["SELECT 1"]).await;
    let all = futures::future::join_all((0..8).map(|_| identity::prepare(db.pool()))).await;
    assert!(all.into_iter().all(|one| one.is_ok()));
    db.close().await;
}
