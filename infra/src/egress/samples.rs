//! Built-in samples for the URLs that the documents print.

use url::{Host, Url};

use super::Fetched;

/// Answers URLs on the hosts of [`is_sample_host`].
pub trait SampleSource: Send + Sync + 'static {
    /// The sample for a URL, chosen by its path; `None` is answered as status 404.
    fn sample(&self, url: &Url) -> Option<Fetched>;
}

impl<F> SampleSource for F
where
    F: Fn(&Url) -> Option<Fetched> + Send + Sync + 'static,
{
    fn sample(&self, url: &Url) -> Option<Fetched> {
        self(url)
    }
}

/// Whether a URL is on a host that the documents print: `example.com` and names below it,
/// every name in the reserved domain `example`, and `cdn.genfire.ai`.
#[must_use]
pub fn is_sample_host(url: &Url) -> bool {
    if !matches!(url.scheme(), "https" | "http") {
        return false;
    }
    let Some(Host::Domain(host)) = url.host() else { return false };
    let below = |suffix: &str| host.strip_suffix(suffix).is_some_and(|name| name.ends_with('.'));
    host == "example.com" || below("example.com") || below("example") || host == "cdn.genfire.ai"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hosts_of_the_documents_are_samples() {
        let is = |url: &str| is_sample_host(&url.parse().unwrap());
        for url in [
            "https://example.com/a.png",
            "https://EXAMPLE.com/",
            "https://www.example.com/",
            "https://shop.example/x",
            "https://cdn.genfire.ai/v.mp4",
        ] {
            assert!(is(url), "{url}");
        }
        for url in [
            "https://notexample.com/",
            "https://example.com.evil.net/",
            "https://example.org/",
            "https://evil.net/example.com",
            "https://example.com@evil.net/",
            "https://api.genfire.ai/",
            "https://10.0.0.1/",
            "ftp://example.com/a.png",
        ] {
            assert!(!is(url), "{url}");
        }
    }
}
