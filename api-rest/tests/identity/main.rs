//! Access tokens, sign-in from a command line, sign-in of people.

#[path = "../support/mod.rs"]
mod support;

mod attempts;
mod authlib;
mod cli;
mod looks;
mod pages;
mod people;
mod sessions;
mod tokens;
