//! `history`: tells a history into a database.

use std::path::PathBuf;

use clap::Parser;
use mintmark_history::{Size, tell};
use sqlx::postgres::PgConnectOptions;

/// Puts accounts, runs with what they made, follows and comments into the log of a database in which
/// `mintmark serve` or `mintmark account create` has made its tables. No server may run meanwhile.
/// Prints who and what is worth asking for, as JSON.
#[derive(Parser)]
struct Arguments {
    /// The database
    #[arg(long, env = "DATABASE_URL")]
    database_url: String,
    /// The server's data directory, which holds its master key
    #[arg(long)]
    data_dir: PathBuf,
    /// Divides the full size: 100,000 accounts, 1,000,000 creations, 5,000,000 follows, 2,000,000 comments
    #[arg(long, default_value_t = 50)]
    divide_by: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let options: PgConnectOptions = arguments.database_url.parse()?;
    let size = Size::divided_by(arguments.divide_by);
    let cast = tell(options, &arguments.data_dir, size, |what| eprintln!("{what}")).await?;
    println!("{}", serde_json::to_string_pretty(&cast)?);
    Ok(())
}
