//! `kill -9` in the real binary, which with the feature `failpoints` kills itself at any step.
#![cfg(feature = "failpoints")]

mod gifts;
mod many;
mod place;
mod steps;
