//! Access tokens, sign-in from a command line, sign-in of people.

#[path = "../support/mod.rs"]
mod support;

mod authlib;
mod cli;
mod looks;
mod people;
mod tokens;
