//! The base, GirlGeneratorAI and our own routes, over the whole surface.

#[path = "../support/mod.rs"]
mod support;

mod base;
mod documents;
mod girlgenerator;
mod limits;
mod native;
mod payments;
