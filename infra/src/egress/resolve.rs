//! Name resolution as a trait, so that tests can lie.

use std::net::IpAddr;

use async_trait::async_trait;

/// Resolves names to addresses.
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// All addresses of a name. An empty list is a name that does not exist.
    ///
    /// # Errors
    /// When the name does not resolve, or nobody can tell.
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}
