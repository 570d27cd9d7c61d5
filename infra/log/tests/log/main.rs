//! The log, the writer, snapshots and the directory.

/// Makes a test of each named function, on the log in memory and on the log on Postgres.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::support::Ground::memory()).await; })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::support::Ground::postgres().await).await; })*
        }
    };
}

mod contract;
mod ending;
mod hardship;
mod names;
mod on_postgres;
mod slow;
mod support;
mod writing;
