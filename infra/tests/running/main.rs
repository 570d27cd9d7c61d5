//! Running runs, whole: use cases, writer and log in memory, dispatcher, providers. Time is Tokio's
//! paused time throughout, so hours pass in milliseconds and nothing is ever waited for by guess.

mod away;
mod batches;
mod crashes;
mod endings;
mod fairness;
mod fakes;
mod generators;
mod registering;
mod support;
