//! Rate limits of several processes on one Postgres: each process is a limiter of its own.

mod alone;
mod place;
mod table;
mod together;
