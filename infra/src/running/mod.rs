//! Running runs: who starts what was accepted, carries it to its provider, and settles it.
//!
//! * [`Dispatcher`] implements the port [`mintmark_domain::ports::Dispatch`]. It keeps a bounded queue
//!   per provider, in which accounts take turns, and as many runs under way there as the provider
//!   takes.
//! * Each run under way is a task that follows one path: fetch the inputs, write down that the run is
//!   about to be sent, send it, follow it, copy its outputs into our storage, settle. Whatever was not
//!   provably unsent is never sent again; whatever is not known stays held and is asked about.
//! * Every node says that it lives ([`Nodes`]). The recovery loop looks through the work queue for
//!   runs that nobody starts, runs whose node is gone, wishes to stop that came in elsewhere, and
//!   batches with items that wait.
//! * The log is the fence: of two nodes that carry the same attempt the log refuses the one that was
//!   replaced, so nothing here has to be sure that a node is dead.
//!
//! [`steps`] names every step of a run's life, for tests that stop the process there.

mod absent;
mod batches;
mod deliver;
mod dispatcher;
mod engine;
mod execute;
mod follow;
mod job;
mod memory;
mod nodes;
mod queue;
mod recovery;
mod settings;
mod shared;
pub mod steps;
mod workflow;

pub use dispatcher::Dispatcher;
pub use engine::{Running, RunningDeps};
pub use memory::InputLimits;
pub use nodes::{MemoryNodes, Nodes, NodesUnavailable, PgNodes};
pub use settings::RunningSettings;
