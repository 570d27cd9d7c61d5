//! What `audit verify` finds in a database that somebody laid hands on, and what is refused there.

use sqlx::Executor as _;

use crate::books;
use crate::process::{Process, eventually, mintmark};
use crate::site::Site;

/// `audit verify` finds something that is said like this.
async fn finds(site: &Site, words: &[&str]) {
    let verified = site.run("audit verify").await;
    assert_eq!(verified.code, Some(1), "{}{}", verified.out, verified.err);
    for word in words {
        assert!(verified.out.contains(word), "{word}: {}", verified.out);
    }
}

async fn sql(site: &Site, statement: &str) {
    site.db.as_ref().unwrap().pool().execute(statement).await.unwrap();
}

const CREATE: &str = "account create --username ann --email ann@example.com --credits 10";

#[tokio::test]
async fn rows_that_no_log_writes_and_rows_of_other_shards_are_found_with_their_position() {
    let site = Site::on_test_database().await.with("MINTMARK_SHARDS", "1");
    site.run(CREATE).await.good();
    books::assert_in_order(&site).await;
    sql(
        &site,
        "CREATE TABLE moved AS SELECT * FROM events WHERE position = 2;
         UPDATE moved SET shard = 7, position = 41;
         INSERT INTO events SELECT * FROM moved",
    )
    .await;
    finds(&site, &["shard 7, position 41: 1 rows"]).await;
    sql(&site, "DELETE FROM events WHERE shard = 7; UPDATE events SET aggregate_id = 'nobody' WHERE position = 3")
        .await;
    finds(&site, &["shard 0, position 3:", "nobody"]).await;
}

#[tokio::test]
async fn fewer_shards_than_the_log_has_are_refused_at_the_start() {
    let site = Site::on_test_database().await.with("MINTMARK_SHARDS", "3");
    site.run(CREATE).await.good();
    let fewer = site.with("MINTMARK_SHARDS", "2");
    let refused = fewer.run("serve --listen 127.0.0.1:0").await;
    assert!(refused.complaint().contains("set shards to 3"), "{}", refused.err);
    let more = fewer.with("MINTMARK_SHARDS", "4");
    more.run("account show ann").await.good();
}

#[tokio::test]
async fn a_directory_that_differs_is_found_and_rebuilt_from_the_log() {
    let site = Site::on_test_database().await;
    site.run(CREATE).await.good();
    sql(&site, "UPDATE claims SET owner = gen_random_uuid() WHERE kind = 'username'; DELETE FROM id_heads; DELETE FROM id_blocks")
        .await;
    finds(&site, &["the username of account"]).await;
    let other = site.run("account create --username ben --email ben@example.com --json").await.json();
    assert!(other["user_id"].as_u64() > Some(1), "no id is given out twice, whatever the directory lost: {other}");
    let rebuilt = site.run("rebuild directory --skip-ids 1000").await;
    assert!(rebuilt.good().contains("directory: 6 names and keys entered"), "{}", rebuilt.out);
    books::assert_in_order(&site).await;
    assert!(site.run("account show ann").await.good().contains("10 available"));
    let later = site.run("account create --username eve --email eve@example.com --json").await.json();
    assert!(later["user_id"].as_u64() > Some(1_000), "{later}");
    assert!(site.run(&CREATE.replace("ann@", "another@")).await.complaint().contains("taken"));
    sql(&site, "DELETE FROM claims WHERE kind = 'email'").await;
    finds(&site, &["the email of account", "nobody's"]).await;
}

#[tokio::test]
async fn a_name_that_was_claimed_by_who_was_killed_before_the_append_is_free_after_the_sweep() {
    let site = Site::on_test_database().await.with("MINTMARK_DIRECTORY__ORPHAN_SECONDS", "1");
    let site = site.with("MINTMARK_DIRECTORY__SWEEP_SECONDS", "1");
    site.run("account create --username eve --email eve@example.com").await.good();
    let pool = site.db.as_ref().unwrap().pool();
    let mut holding = pool.begin().await.unwrap();
    holding.execute("SELECT shard FROM shards FOR UPDATE").await.unwrap();
    let dying = site.start(CREATE);
    eventually("an append that waits", async || {
        let waits = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        sqlx::query_scalar::<_, i32>(waits).fetch_optional(pool).await.unwrap()
    })
    .await;
    dying.kill().await;
    // What it had sent goes with it.
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    pool.execute(end).await.unwrap();
    holding.rollback().await.unwrap();
    assert!(site.run(CREATE).await.complaint().contains("taken"), "nobody has asked the log yet");
    let server = site.serve().await;
    eventually("the name to be free", async || (site.run(CREATE).await.code == Some(0)).then_some(())).await;
    books::assert_in_order(&site).await;
    assert!(server.process.stop().await.success());
}

impl Site {
    /// Starts a command and lets it run.
    fn start(&self, words: &str) -> Process {
        let data = self.data().display().to_string();
        let words = words.split_whitespace().chain(["--data-dir", &data]);
        Process::start(mintmark(self.data().parent().unwrap(), self.settings()), words.collect::<Vec<_>>())
    }
}
