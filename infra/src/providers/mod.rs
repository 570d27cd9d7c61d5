//! Providers: who carries runs out. Each is an adapter of the port
//! [`mintmark_domain::ports::Provider`].
//!
//! * [`sandbox`]: built in, in process; makes real media and fails as asked.
//! * [`http`]: anything that speaks the small protocol of [`wire`] over HTTP.
//! * [`sandbox_server`]: the sandbox as a process of its own, spoken to by [`http`].

pub mod http;
pub mod sandbox;
pub mod sandbox_server;
pub mod wire;

pub use http::HttpProvider;
pub use sandbox::Sandbox;
