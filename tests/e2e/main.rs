//! The real binary, end to end: few journeys, each with processes, a data directory and a database of
//! its own, which are gone with it. Nothing here sleeps for a guessed time: it waits for what was said
//! or answered, within bounds.

mod books;
mod command_line;
mod documents;
mod first_start;
mod gifts;
mod history;
mod main_job;
mod once;
mod payments;
mod printed;
mod process;
mod site;
mod subscription;
mod tampering;
mod two_processes;
mod uploads;
