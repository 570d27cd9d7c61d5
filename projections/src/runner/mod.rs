//! Keeps read models up to date: one runner per projection and shard.

mod board;
mod engine;
mod running;

pub use board::{Board, Health, Status, Waited};
pub(crate) use engine::{Applied, apply_next, ensure_checkpoint};
pub use running::{EndWatch, RunnerSettings, Runners};
