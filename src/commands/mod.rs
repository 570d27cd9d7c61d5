//! One module per command. Each opens what it needs, does one thing, and leaves nothing running; all
//! work beside a running server and without one.

/// Prints a line for whoever called. Nobody reads on where a pager was closed; that is no failure.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

mod account;
mod audit;
mod catalog;
mod client;
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
            Command::Client(command) => client::run(command).await,
            Command::Tokens(command) => client::tokens(command).await,
            Command::Credits(command) => credits::run(command).await,
            Command::Runs(command) => runs::run(command).await,
            Command::Audit(command) => audit::run(command).await,
            Command::Rebuild { place, only, skip_ids } => rebuild::run(place, only, skip_ids).await,
            Command::Catalog(command) => catalog::run(command),
            Command::Sandbox(command) => sandbox::run(command).await,
            Command::Config => {
                say!("{}", crate::config::markdown().trim_end());
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}

/// Opens the platform that is there for a command other than `serve`, does the work, and closes it again
/// whatever came of it. Errors: there is none in the data directory; a name that was mistyped must not
/// read as books without a mistake.
async fn with_platform<T>(place: Place, work: impl AsyncFnOnce(&Platform) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let config = load(place)?;
    if config.database_url.is_empty() && is_empty(&config.data_dir) {
        anyhow::bail!(
            "there is no installation in {}; name another with --data-dir, or begin one there with `mintmark serve`",
            config.data_dir.display()
        );
    }
    on_platform(config, work).await
}

/// The same, but where there is no platform yet, this makes it.
async fn with_new_platform<T>(
    place: Place,
    work: impl AsyncFnOnce(&Platform) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let config = load(place)?;
    if config.database_url.is_empty() && is_empty(&config.data_dir) {
        // Not what was meant where a name was mistyped: a running server knows nothing of it.
        eprintln!("mintmark: begins a new installation in {}", config.data_dir.display());
    }
    on_platform(config, work).await
}

fn is_empty(directory: &std::path::Path) -> bool {
    std::fs::read_dir(directory).map_or(true, |mut in_it| in_it.next().is_none())
}

fn load(place: Place) -> anyhow::Result<Config> {
    Config::load(place.config.as_deref(), place.data_dir.as_deref(), None)
}

async fn on_platform<T>(config: Config, work: impl AsyncFnOnce(&Platform) -> anyhow::Result<T>) -> anyhow::Result<T> {
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
