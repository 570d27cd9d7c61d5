//! `mintmark sandbox`

use std::process::ExitCode;

use anyhow::Context;
use mintmark_infra::providers::sandbox::{Sandbox, SandboxSettings};
use mintmark_infra::providers::sandbox_server::router;
use tokio::net::TcpListener;

use crate::cli::SandboxCommand;

/// How long a submission waits for its job to be over before it is answered with one that runs.
const ANSWER_WITHIN: std::time::Duration = std::time::Duration::from_secs(2);

/// How many bytes the outputs of jobs may take that their client has fetched: more than in process,
/// where a job is gone with its client.
const KEPT_BYTES_MAX: usize = 256 << 20;

pub async fn run(command: SandboxCommand) -> anyhow::Result<ExitCode> {
    let SandboxCommand::Serve { listen } = command;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("{listen} cannot be listened on; choose another with --listen"))?;
    say!("the sandbox serves http://{}", listener.local_addr()?);
    let stop = async {
        // Without signals it is stopped as any process is.
        let _ = tokio::signal::ctrl_c().await;
    };
    let defaults = SandboxSettings::default();
    let sandbox = Sandbox::new(SandboxSettings { dies_with_node: false, kept_bytes_max: KEPT_BYTES_MAX, ..defaults });
    axum::serve(listener, router(sandbox, ANSWER_WITHIN)).with_graceful_shutdown(stop).await?;
    Ok(ExitCode::SUCCESS)
}
