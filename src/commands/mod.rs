//! One module per command. Each opens what it needs, does one thing, and leaves nothing running; all
//! work beside a running server and without one.

mod account;
mod audit;
mod catalog;
mod credits;
mod demo;
mod directory;
mod key;
mod progress;
mod rebuild;
mod runs;
mod sandbox;
mod serve;
mod show;

use std::process::ExitCode;

use anyhow::Context;
use mintmark_domain::ids::AccountId;

use crate::cli::{Cli, Command, Place};
use crate::compose::{Platform, Role};
use crate::config::Config;

/// Carries a command out.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime cannot be started")?;
    runtime.block_on(async {
        match cli.command {
            Command::Serve { place, listen } => serve::run(place, listen).await,
            Command::Account(command) => account::run(command).await,
            Command::Key(command) => key::run(command).await,
            Command::Credits(command) => credits::run(command).await,
            Command::Runs(command) => runs::run(command).await,
            Command::Audit(command) => audit::run(command).await,
            Command::Rebuild { place, only, skip_ids } => rebuild::run(place, only, skip_ids).await,
            Command::Catalog(command) => catalog::run(command),
            Command::Sandbox(command) => sandbox::run(command).await,
            Command::Config => {
                print!("{}", crate::config::markdown());
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}

/// Opens the platform for a command other than `serve`, does the work, and closes it again whatever
/// came of it.
async fn with_platform<T>(place: Place, work: impl AsyncFnOnce(&Platform) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let config = Config::load(place.config.as_deref(), place.data_dir.as_deref(), None)?;
    let platform = Platform::open(config, Role::Tool).await?;
    let result = work(&platform).await;
    platform.close_after(result).await
}

/// The account that a person names by username or id.
async fn account_named(platform: &Platform, name: &str) -> anyhow::Result<AccountId> {
    if let Ok(id) = name.parse::<AccountId>() {
        return Ok(id);
    }
    let found = platform.core.account_by_username(name).await?;
    found.with_context(|| format!("there is no account {name}"))
}
