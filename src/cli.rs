//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use mintmark_domain::Credits;
use mintmark_domain::account::Tier;
use mintmark_domain::ids::{PaymentId, RunId};
use mintmark_domain::wallet::LotKind;

/// A self-hosted platform for AI generation in which every credit and every creation can be
/// accounted for.
#[derive(Debug, Parser)]
#[command(name = "mintmark", version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// Where the server's data are: the same flags on every command that needs them.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// Directory of the embedded database, files and master key [default: ./data]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Configuration file [default: mintmark.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve REST and GraphQL, run what is accepted, project the log
    Serve {
        #[command(flatten)]
        place: Place,
        /// Address and port [default: 127.0.0.1:8080]
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
    },
    /// Make accounts, look at them, suspend them
    #[command(subcommand)]
    Account(AccountCommand),
    /// Issue, list and revoke API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Make, list and revoke OAuth clients
    #[command(subcommand)]
    Client(ClientCommand),
    /// The keys that sign access tokens
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// Grant, refund and charge back credits, look at payments
    #[command(subcommand)]
    Credits(CreditsCommand),
    /// Look at runs, cancel them, settle them by hand
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Verify the books
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Build read models anew beside the live ones, compare, and switch; or the directory
    Rebuild {
        #[command(flatten)]
        place: Place,
        /// Only these read models [default: all of them]; `directory`: unique names and integer ids, from the log
        #[arg(value_name = "READ_MODEL")]
        only: Vec<String>,
        /// With `directory`, after a restore: leave out so many integer ids of each kind
        #[arg(long, value_name = "N", default_value_t = 0)]
        skip_ids: u32,
    },
    /// Models, prices, generators and routes
    #[command(subcommand)]
    Catalog(CatalogCommand),
    /// The sandbox provider as a process of its own
    #[command(subcommand)]
    Sandbox(SandboxCommand),
    /// Print every configuration key with its default and meaning, as Markdown
    Config,
}

#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make an account with its wallet, a full-access key, which is shown once, and a one-time link at which
    /// its person sets a password
    Create {
        #[command(flatten)]
        place: Place,
        /// 3 to 32 of a-z, 0-9 and _, starting with a letter
        #[arg(long)]
        username: String,
        /// Email address
        #[arg(long)]
        email: String,
        /// Grant one paid lot of exactly this many credits
        #[arg(long, value_name = "N", default_value = "0")]
        credits: Credits,
        /// free, basic, pro, enterprise or unlimited (no rate limits)
        #[arg(long, default_value = "free")]
        tier: Tier,
        /// Print JSON: account_id, user_id, api_key, sign_in_url
        #[arg(long)]
        json: bool,
    },
    /// Show an account, its balance and its keys
    Show {
        #[command(flatten)]
        place: Place,
        /// Username or account id
        account: String,
    },
    /// Print a one-time link at which the account's person sets a password: a first one, or a new one. It
    /// lives seven days; an earlier link is good no more
    Link {
        #[command(flatten)]
        place: Place,
        /// Username or account id
        account: String,
        /// Print JSON: sign_in_url
        #[arg(long)]
        json: bool,
    },
    /// Let an account do nothing until it is reinstated
    Suspend {
        #[command(flatten)]
        place: Place,
        /// Username or account id
        account: String,
        /// Why
        #[arg(long, value_parser = said)]
        reason: String,
    },
    /// Let a suspended account act again
    Reinstate {
        #[command(flatten)]
        place: Place,
        /// Username or account id
        account: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Issue a key, which is shown once
    Create {
        #[command(flatten)]
        place: Place,
        /// Username or account id
        #[arg(long)]
        account: String,
        /// What to call it
        #[arg(long, default_value = "command line")]
        name: String,
        /// Scopes, separated by spaces [default: full access]
        #[arg(long)]
        scopes: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the active keys
    List {
        #[command(flatten)]
        place: Place,
        /// Username or account id
        #[arg(long)]
        account: String,
    },
    /// Revoke a key: it may do nothing from now on
    Revoke {
        #[command(flatten)]
        place: Place,
        /// Username or account id
        #[arg(long)]
        account: String,
        /// The key's integer id
        key_id: u64,
    },
}

#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Make an OAuth client, whose secret is shown once
    Create {
        #[command(flatten)]
        place: Place,
        /// Username or account id
        #[arg(long)]
        account: String,
        /// What to call it
        #[arg(long, default_value = "command line")]
        name: String,
        /// The most that its tokens may do: scopes, separated by spaces [default: full access]
        #[arg(long)]
        scopes: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the OAuth clients
    List {
        #[command(flatten)]
        place: Place,
        /// Username or account id
        #[arg(long)]
        account: String,
    },
    /// Revoke an OAuth client: it and its tokens may do nothing from now on
    Revoke {
        #[command(flatten)]
        place: Place,
        /// Username or account id
        #[arg(long)]
        account: String,
        /// The client's id
        client_id: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum TokensCommand {
    /// Have a new key sign access tokens; what earlier ones signed holds until it expires
    Rotate {
        #[command(flatten)]
        place: Place,
        /// End every token that was signed before, at once
        #[arg(long)]
        end_tokens: bool,
    },
}

/// Where granted credits count as coming from.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum GrantKind {
    /// As if bought
    Paid,
    /// Given by the house
    Free,
    /// As if received as a gift
    Earned,
}

impl From<GrantKind> for LotKind {
    fn from(kind: GrantKind) -> LotKind {
        match kind {
            GrantKind::Paid => LotKind::Paid,
            GrantKind::Free => LotKind::Free,
            GrantKind::Earned => LotKind::Earned,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum CreditsCommand {
    /// Add a lot of credits to an account's wallet
    Grant {
        #[command(flatten)]
        place: Place,
        /// Username or account id
        #[arg(long)]
        account: String,
        /// How many; at most six decimal places
        #[arg(long)]
        amount: Credits,
        /// What they count as
        #[arg(long, value_enum)]
        kind: GrantKind,
        /// Why; kept in the books and shown to the account
        #[arg(long, value_parser = said)]
        reason: String,
        /// Said again with the same reference it is the same grant
        #[arg(long)]
        reference: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give back some of what a run was charged
    Refund {
        #[command(flatten)]
        place: Place,
        /// The run
        run: RunId,
        /// How many
        #[arg(long)]
        amount: Credits,
        /// Why; kept in the books and shown to the account
        #[arg(long, value_parser = said)]
        reason: String,
        /// Said again with the same reference it is the same refund
        #[arg(long)]
        reference: String,
    },
    /// Take back credits of a payment that was charged back; what is spent or held of them is owed
    Chargeback {
        #[command(flatten)]
        place: Place,
        /// The payment, as `credits grant` or `credits payment` names it
        payment: PaymentId,
        /// How many, at most what the payment brought
        #[arg(long)]
        amount: Credits,
        /// The processor's id of the chargeback; said again with it, it is the same one
        #[arg(long)]
        reference: String,
    },
    /// Show a payment: whose wallet it filled, what was taken back, what is left to be taken back
    Payment {
        #[command(flatten)]
        place: Place,
        /// Its id here (`pay_…`), or the payment processor's
        payment: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// Show a run: request, price, attempts, how the books were closed
    Show {
        #[command(flatten)]
        place: Place,
        /// The run
        run: RunId,
    },
    /// End a run by hand on evidence from outside: it fails at no cost
    Settle {
        #[command(flatten)]
        place: Place,
        /// The run
        run: RunId,
        /// The evidence; kept in the books, shown to nobody else
        #[arg(long, value_parser = said)]
        reason: String,
    },
    /// Stop a run
    Cancel {
        #[command(flatten)]
        place: Place,
        /// The run
        run: RunId,
    },
}

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check the whole log, the ledger and the read models; exit code 1 if anything differs
    Verify {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Subcommand)]
pub enum CatalogCommand {
    /// Check models, prices, generators, voices and routes; exit code 1 if anything is wrong
    Check {
        /// A directory whose files replace those of the built-in catalog
        #[arg(value_name = "DIR")]
        directory: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub enum SandboxCommand {
    /// Serve the sandbox over the generic provider protocol
    Serve {
        /// Address and port
        #[arg(long, default_value = "127.0.0.1:8090")]
        listen: SocketAddr,
    },
}

/// The longest reason that the books take.
const REASON_CHARS_MAX: usize = 1_000;

/// A reason is words: an empty one says nothing to whoever reads the books.
fn said(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > REASON_CHARS_MAX {
        return Err(format!("say why, in 1 to {REASON_CHARS_MAX} characters"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_never_empty() {
        for (command, rest) in [
            ("credits grant", "--account ada --amount 1 --kind paid"),
            ("credits refund", "run_019aab3c5f7080009e1f7d2c4b6a8190 --amount 1 --reference r"),
            ("runs settle", "run_019aab3c5f7080009e1f7d2c4b6a8190"),
            ("account suspend", "ada"),
        ] {
            let parse = |reason: &str| {
                let words = command.split(' ').chain(rest.split(' ')).chain(["--reason", reason]);
                Cli::try_parse_from(std::iter::once("mintmark").chain(words)).map(|_| ()).map_err(|e| e.to_string())
            };
            assert_eq!(parse("it is due"), Ok(()), "{command}");
            for empty in ["", "  ", &"x".repeat(REASON_CHARS_MAX + 1)] {
                assert!(parse(empty).unwrap_err().contains("say why"), "{command}");
            }
        }
    }
}
