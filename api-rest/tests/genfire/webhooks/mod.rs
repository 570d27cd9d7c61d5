//! Webhooks: endpoints, what they are told, how it is signed, and what happens when they do not answer.

mod deliveries;
mod endpoints;
mod failing;
mod receiver;
mod sending;
mod signatures;
mod topics;
