//! Who carries runs out: the providers of this installation.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use mintmark_domain::ports::Provider;
use mintmark_infra::egress::SystemResolver;
use mintmark_infra::inputs::document_sample;
use mintmark_infra::products::{EXTRACTOR, Extractor};
use mintmark_infra::providers::http::{HttpProvider, HttpProviderSettings};
use mintmark_infra::providers::sandbox::{Sandbox, SandboxSettings};

use super::Platform;
use crate::config::Config;

/// The providers that the configuration names, the sandbox among them.
pub async fn providers(platform: &Platform) -> anyhow::Result<Vec<Arc<dyn Provider>>> {
    let config = &platform.config;
    let mut providers: Vec<Arc<dyn Provider>> = Vec::new();
    if config.sandbox.url.is_empty() {
        let settings = SandboxSettings { concurrency: config.sandbox.concurrency, ..SandboxSettings::default() };
        let sandbox = if config.sandbox.instant {
            Sandbox::instant(settings, &platform.assets).await.context("the sandbox's ready assets cannot be stored")?
        } else {
            Sandbox::new(settings)
        };
        providers.push(Arc::new(sandbox));
    } else {
        providers.push(http(config, "sandbox", &config.sandbox.url, "", config.sandbox.concurrency)?);
    }
    providers.push(Arc::new(Extractor::new(platform.products.clone())));
    for (name, provider) in &config.providers {
        anyhow::ensure!(name != EXTRACTOR, "providers.{EXTRACTOR}: the name is that of who reads product pages");
        anyhow::ensure!(name != "sandbox", "providers.sandbox: the name is the built-in sandbox's");
        providers.push(http(config, name, &provider.url, &provider.token, provider.concurrency)?);
    }
    Ok(providers)
}

fn http(config: &Config, name: &str, url: &str, token: &str, concurrency: usize) -> anyhow::Result<Arc<dyn Provider>> {
    let url = url.parse().with_context(|| format!("the provider {name}: {url:?} is not an address"))?;
    let token = Some(token.to_owned()).filter(|token| !token.is_empty());
    let settings = HttpProviderSettings {
        token,
        concurrency,
        submit_timeout: Duration::from_secs(config.running.provider_timeout_seconds.into()),
        ..HttpProviderSettings::new(name, url)
    };
    Ok(Arc::new(HttpProvider::new(settings, Arc::new(SystemResolver), Arc::new(document_sample))?))
}
