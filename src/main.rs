//! Mintmark: the command line, and the composition of everything else. See `docs/ARCHITECTURE.md`.

mod audit;
mod cli;
mod commands;
mod compose;
mod config;

use clap::Parser;

use crate::cli::Cli;

fn main() -> std::process::ExitCode {
    #[cfg(feature = "failpoints")]
    mintmark_infra::running::steps::arm_from_environment();
    let cli = Cli::parse();
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) => {
            // One line that says what is wrong and what to do; causes follow after colons.
            eprintln!("mintmark: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
