//! Versions of read models beside each other, and the end of those that nobody serves any more.

use async_trait::async_trait;
use mintmark_domain::Shard;
use mintmark_testkit::TestDb;
use sqlx::{Connection, PgConnection};

use crate::error::ApplyError;
use crate::fact::{Event, Kind};
use crate::projection::{Definition, Projection, ProjectionName};
use crate::schema::migrate;

/// A projection of one table, in some version.
struct Release(&'static str);

#[async_trait]
impl Projection for Release {
    fn name(&self) -> ProjectionName {
        ProjectionName::Wallets
    }

    fn definition(&self) -> Definition {
        Definition { schema: self.0, ddl: "CREATE TABLE things (id int PRIMARY KEY);", tables: &[("things", "id")] }
    }

    fn wants(&self, _: Kind) -> bool {
        false
    }

    async fn apply(&self, _: &mut PgConnection, _: Shard, _: &[&Event]) -> Result<(), ApplyError> {
        Ok(())
    }
}

async fn start(db: &TestDb, schemas: &[&'static str]) {
    let releases: Vec<Release> = schemas.iter().map(|schema| Release(schema)).collect();
    let projections: Vec<&dyn Projection> = releases.iter().map(|release| release as &dyn Projection).collect();
    migrate(&mut db.pool().acquire().await.unwrap(), &projections).await.unwrap();
}

/// The schemas that there are, and those that are written down.
async fn there(db: &TestDb) -> (Vec<String>, Vec<String>) {
    let made = "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'read\\_%\\_v%' ORDER BY 1";
    let noted = "SELECT schema FROM read_side.definitions ORDER BY 1";
    let made = sqlx::query_scalar(made).fetch_all(db.pool()).await.unwrap();
    (made, sqlx::query_scalar(noted).fetch_all(db.pool()).await.unwrap())
}

fn both(names: &[&str]) -> (Vec<String>, Vec<String>) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    (names.clone(), names)
}

#[tokio::test]
async fn the_version_before_stays_and_older_ones_go() {
    let db = TestDb::with_sql(&[]).await;
    start(&db, &["read_things_v1", "read_others_v1"]).await;
    start(&db, &["read_things_v2", "read_others_v1"]).await;
    assert_eq!(there(&db).await, both(&["read_others_v1", "read_things_v1", "read_things_v2"]), "both are served");
    sqlx::raw_sql("CREATE SCHEMA read_things_v1_next").execute(db.pool()).await.unwrap();
    // One number was never released.
    start(&db, &["read_things_v10", "read_others_v1"]).await;
    let served = both(&["read_others_v1", "read_things_v10", "read_things_v2"]);
    assert_eq!(there(&db).await, served);
    // Who goes back to the release before takes nothing newer away, and nothing is made again.
    start(&db, &["read_things_v2", "read_others_v1"]).await;
    start(&db, &["read_things_v10", "read_others_v1"]).await;
    assert_eq!(there(&db).await, served);
    db.close().await;
}

#[tokio::test]
async fn a_version_that_is_still_read_is_left_for_the_next_start() {
    let db = TestDb::with_sql(&[]).await;
    start(&db, &["read_things_v1"]).await;
    start(&db, &["read_things_v2"]).await;
    let mut reader = db.pool().acquire().await.unwrap();
    let mut reading = reader.begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM read_things_v1.things").execute(&mut *reading).await.unwrap();
    start(&db, &["read_things_v3"]).await;
    assert_eq!(there(&db).await, both(&["read_things_v1", "read_things_v2", "read_things_v3"]));
    reading.rollback().await.unwrap();
    drop(reader);
    start(&db, &["read_things_v3"]).await;
    assert_eq!(there(&db).await, both(&["read_things_v2", "read_things_v3"]));
    db.close().await;
}
