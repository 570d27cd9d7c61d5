//! Which nodes live, as the database says.

use std::time::Duration;

use mintmark_infra::running::{MemoryNodes, Nodes, PgNodes};
use mintmark_testkit::TestDb;

async fn live_and_leave(nodes: &dyn Nodes) {
    nodes.beat("a").await.unwrap();
    nodes.beat("b").await.unwrap();
    nodes.beat("a").await.unwrap();
    let mut alive: Vec<String> = nodes.alive(Duration::from_secs(60)).await.unwrap().into_iter().collect();
    alive.sort();
    assert_eq!(alive, ["a", "b"]);
    nodes.leave("a").await.unwrap();
    nodes.leave("a").await.unwrap();
    assert_eq!(nodes.alive(Duration::from_secs(60)).await.unwrap(), ["b".to_owned()].into());
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(nodes.alive(Duration::from_millis(10)).await.unwrap().is_empty(), "who is silent counts as gone");
    nodes.beat("b").await.unwrap();
    assert!(nodes.alive(Duration::from_secs(60)).await.unwrap().contains("b"));
}

#[tokio::test]
async fn nodes_live_while_they_say_so_on_postgres() {
    let db = TestDb::new().await;
    let nodes = PgNodes::new(db.pool().clone());
    // Any number of processes may prepare at once.
    let prepared = futures::future::join_all((0..8).map(|_| nodes.prepare())).await;
    assert!(prepared.into_iter().all(|prepared| prepared.is_ok()));
    live_and_leave(&nodes).await;
}

#[tokio::test]
async fn nodes_live_while_they_say_so_in_memory() {
    live_and_leave(&MemoryNodes::default()).await;
}
