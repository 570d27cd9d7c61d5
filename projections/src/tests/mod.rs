//! The read models on a real Postgres.

mod history;
mod support;

mod creations;
mod runner;
mod runs;
mod versions;
mod wallets;
