//! The dispatch of a process that runs nothing itself: a server beside it finds what was accepted
//! in the log.

use std::time::Duration;

use async_trait::async_trait;
use mintmark_domain::ids::{AccountId, BatchId, RunId};
use mintmark_domain::ports::{Dispatch, Slot};

/// Starts nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nobody;

#[async_trait]
impl Dispatch for Nobody {
    fn reserve(&self, _provider: &str, _account: AccountId) -> Option<Box<dyn Slot>> {
        None
    }

    fn accepted(&self, _run: RunId, _account: AccountId, _provider: &str, _slot: Option<Box<dyn Slot>>) {}

    fn batch(&self, _batch: BatchId, _account: AccountId) {}

    fn cancel_requested(&self, _run: RunId) {}

    async fn ended(&self, _run: RunId, _within: Duration) -> bool {
        false
    }

    fn progress(&self, _run: RunId) -> Option<u8> {
        None
    }
}
