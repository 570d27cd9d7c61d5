//! The test kit's own promises.

use mintmark_testkit::{TestCluster, TestDb};
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Connection as _, Row as _};

async fn databases_like(pool: &PgPool, name: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE datname = $1").bind(name).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn each_test_has_a_database_of_its_own() {
    let schema =
        ["CREATE TABLE book (line text)", "INSERT INTO book VALUES ('first'); INSERT INTO book VALUES ('second')"];
    let one = TestDb::with_sql(&schema).await;
    let other = TestDb::with_sql(&schema).await;
    sqlx::query("DELETE FROM book").execute(one.pool()).await.unwrap();
    let lines: i64 = sqlx::query_scalar("SELECT count(*) FROM book").fetch_one(other.pool()).await.unwrap();
    assert_eq!(lines, 2);
    one.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_template_is_made_once_however_many_want_it_at_once() {
    let unique = format!("-- {}", rand::random::<u64>());
    let made = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let tests: Vec<_> = (0..6)
        .map(|_| {
            let (unique, made) = (unique.clone(), std::sync::Arc::clone(&made));
            tokio::spawn(async move {
                let migrate = |pool: PgPool| async move {
                    made.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    sqlx::raw_sql("CREATE TABLE book (line text)").execute(&pool).await.map(|_| ())
                };
                let db = TestDb::migrated(&[&unique], migrate).await;
                sqlx::query("SELECT line FROM book").fetch_all(db.pool()).await.unwrap();
                db.close().await;
            })
        })
        .collect();
    for test in tests {
        test.await.unwrap();
    }
    assert_eq!(made.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_database_is_dropped_with_its_value_even_while_it_is_used() {
    let watcher = TestDb::new().await;
    let db = TestDb::new().await;
    let name = db.name().to_owned();
    let busy = db.pool().acquire().await.unwrap();
    assert_eq!(databases_like(watcher.pool(), &name).await, 1);
    drop(db);
    assert_eq!(databases_like(watcher.pool(), &name).await, 0);
    drop(busy);
    watcher.close().await;
}

#[tokio::test]
async fn the_url_leads_to_the_same_database() {
    let db = TestDb::new().await;
    let pool = PgPool::connect(&db.url()).await.unwrap();
    let name: String = sqlx::query_scalar("SELECT current_database()::text").fetch_one(&pool).await.unwrap();
    assert_eq!(name, db.name());
    pool.close().await;
    db.close().await;
}

#[tokio::test]
async fn the_shared_cluster_is_durable() {
    let db = TestDb::new().await;
    for setting in ["fsync", "synchronous_commit"] {
        let row = sqlx::query(&format!("SHOW {setting}")).fetch_one(db.pool()).await.unwrap();
        assert_eq!(row.get::<String, _>(0), "on", "{setting}");
    }
    db.close().await;
}

#[tokio::test]
async fn a_cluster_of_its_own_can_be_killed_restarted_dumped_and_restored() {
    let mut source = TestCluster::start().await;
    let mut connection = PgConnection::connect_with(&source.options()).await.unwrap();
    sqlx::raw_sql("CREATE TABLE book AS SELECT 'kept' AS line").execute(&mut connection).await.unwrap();
    source.kill_server();
    assert!(connection.ping().await.is_err());
    source.restart().await;
    let dump = source.dump().await.unwrap();

    let target = TestCluster::start().await;
    target.restore(&dump).await.unwrap();
    let restored = PgPool::connect_with(target.options()).await.unwrap();
    let line: String = sqlx::query_scalar("SELECT line FROM book").fetch_one(&restored).await.unwrap();
    assert_eq!(line, "kept");
    assert!(target.restore(b"SELECT * FROM nothing;").await.is_err());
}
