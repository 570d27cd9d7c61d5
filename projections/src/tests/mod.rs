//! The read models on a real Postgres.

mod history;
mod support;
mod vault;

mod creations;
mod feeds;
mod people;
mod runner;
mod runs;
mod search;
mod search_leaks;
mod usage;
mod versions;
mod wallets;
mod webhook_outbox;
mod webhooks;
