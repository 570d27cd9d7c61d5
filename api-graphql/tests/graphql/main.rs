//! GraphQL over real sockets, a real core and a real Postgres, wired as the program wires it.

#[path = "../../../src/compose/door.rs"]
mod door;
#[path = "../../../api-rest/tests/support/mod.rs"]
mod support;

mod app;
mod batches;
mod characters;
mod creations;
mod errors;
mod fresh;
mod generators;
mod identity;
mod limits;
mod lists;
mod people;
mod projects;
mod search;
mod socket;
mod strangers;
mod transport;
mod webhooks;
