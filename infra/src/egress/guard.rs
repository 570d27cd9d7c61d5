//! Judging a URL and pinning the addresses that a connection may go to.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use url::{Host, Url};

use super::address::is_global;
use super::{AllowRule, EgressError, Resolve};

/// The longest URL that is looked at, in bytes.
const URL_BYTES_MAX: usize = 8192;
/// Ports from here up may be used; below only 443.
const FREE_PORTS_FROM: u16 = 1024;

/// A URL that was judged, and where its connection goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pinned {
    pub url: Url,
    pub host: String,
    pub addresses: Vec<SocketAddr>,
}

/// Judges URLs.
pub(super) struct Guard {
    allow: Vec<AllowRule>,
    resolver: Arc<dyn Resolve>,
}

impl Guard {
    pub fn new(allow: Vec<AllowRule>, resolver: Arc<dyn Resolve>) -> Self {
        Self { allow, resolver }
    }

    /// What can be said without asking the resolver.
    pub fn judge_alone(&self, url: &Url) -> Result<(), EgressError> {
        let allowed = self.allow.iter().any(|rule| rule.permits(url));
        judge(url, allowed)?;
        let global = match url.host() {
            Some(Host::Ipv4(address)) => is_global(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => is_global(IpAddr::V6(address)),
            Some(Host::Domain(name)) => !is_loopback_name(name),
            None => return Err(EgressError::Refused("it names no host")),
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        if allowed || global { Ok(()) } else { Err(EgressError::ForbiddenAddress { host }) }
    }

    /// Judges a URL, resolves its host once and pins the addresses that may be used.
    pub async fn pin(&self, url: &Url) -> Result<Pinned, EgressError> {
        let allowed = self.allow.iter().any(|rule| rule.permits(url));
        judge(url, allowed)?;
        let host = url.host().ok_or(EgressError::Refused("it names no host"))?;
        let name = url.host_str().unwrap_or_default().to_owned();
        let port = url.port_or_known_default().ok_or(EgressError::Refused("it names no port"))?;
        let found = match host {
            Host::Domain(domain) if !allowed && is_loopback_name(domain) => Vec::new(),
            Host::Ipv4(address) => vec![IpAddr::V4(address)],
            Host::Ipv6(address) => vec![IpAddr::V6(address)],
            Host::Domain(domain) => self.resolve(domain).await?,
        };
        let usable = found.into_iter().filter(|address| allowed || is_global(*address));
        let addresses: Vec<_> = usable.map(|address| SocketAddr::new(address, port)).collect();
        if addresses.is_empty() {
            return Err(EgressError::ForbiddenAddress { host: name });
        }
        Ok(Pinned { url: url.clone(), host: name, addresses })
    }

    async fn resolve(&self, domain: &str) -> Result<Vec<IpAddr>, EgressError> {
        match self.resolver.resolve(domain).await {
            Ok(found) if !found.is_empty() => Ok(found),
            Ok(_) | Err(_) => Err(EgressError::Unresolvable { host: domain.to_owned() }),
        }
    }
}

/// Whether a name stands for the machine itself whatever a resolver says (RFC 6761, section 6.3).
fn is_loopback_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

/// What can be said about a URL without resolving its host.
fn judge(url: &Url, allowed: bool) -> Result<(), EgressError> {
    if url.as_str().len() > URL_BYTES_MAX {
        return Err(EgressError::Refused("it is too long"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EgressError::Refused("it holds a user name or password"));
    }
    match url.scheme() {
        "https" => {}
        "http" if allowed => {}
        "http" => return Err(EgressError::Refused("only https is permitted")),
        _ => return Err(EgressError::Refused("its scheme is not https")),
    }
    let port_fits = |port: u16| port == 443 || port >= FREE_PORTS_FROM;
    if !allowed && !url.port_or_known_default().is_some_and(port_fits) {
        return Err(EgressError::Refused("its port is not permitted (443, or 1024 and up)"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;

    /// Gives one prepared answer after the other, and fails when it has none left.
    struct Lying(Mutex<VecDeque<Vec<IpAddr>>>);

    #[async_trait]
    impl Resolve for Lying {
        async fn resolve(&self, _host: &str) -> std::io::Result<Vec<IpAddr>> {
            self.0.lock().unwrap().pop_front().ok_or_else(|| std::io::Error::other("asked too often"))
        }
    }

    fn guard(answers: &[&[&str]], allow: &[&str]) -> Guard {
        let parse = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        let resolver = Lying(Mutex::new(answers.iter().map(parse).collect()));
        Guard::new(allow.iter().map(|rule| rule.parse().unwrap()).collect(), Arc::new(resolver))
    }

    async fn pin(guard: &Guard, url: &str) -> Result<Pinned, EgressError> {
        guard.pin(&url.parse().unwrap()).await
    }

    #[tokio::test]
    async fn a_second_answer_is_never_asked_for() {
        // Rebinding: the first answer is global, the next one would be ourselves.
        let guard = guard(&[&["93.184.216.34"], &["127.0.0.1"]], &[]);
        let pinned = pin(&guard, "https://rebind.test/x").await.unwrap();
        assert_eq!(pinned.addresses, vec!["93.184.216.34:443".parse().unwrap()]);
        // The next fetch (or redirect) resolves again and is judged by that answer alone.
        let error = pin(&guard, "https://rebind.test/x").await.unwrap_err();
        assert_eq!(error, EgressError::ForbiddenAddress { host: "rebind.test".to_owned() });
    }

    #[tokio::test]
    async fn of_mixed_answers_only_the_global_ones_are_used() {
        let guard = guard(&[&["10.0.0.1", "93.184.216.34", "::1"]], &[]);
        let pinned = pin(&guard, "https://mixed.test:8443/").await.unwrap();
        assert_eq!(pinned.addresses, vec!["93.184.216.34:8443".parse().unwrap()]);
    }

    #[tokio::test]
    async fn addresses_in_the_url_are_judged_however_they_are_written() {
        let guard = guard(&[], &[]);
        for host in [
            "127.0.0.1",
            "0x7f.1",
            "2130706433",
            "017700000001",
            "127.1",
            "0",
            "169.254.169.254",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::ffff:169.254.169.254]",
            "[64:ff9b::127.0.0.1]",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[2002:7f00:1::]",
            "10.0.0.1",
            "100.100.100.200",
        ] {
            let error = pin(&guard, &format!("https://{host}/")).await.unwrap_err();
            assert!(matches!(error, EgressError::ForbiddenAddress { .. }), "{host}: {error}");
        }
    }

    #[tokio::test]
    async fn scheme_port_and_credentials_are_judged_before_anything_is_resolved() {
        let guard = guard(&[], &[]);
        for url in [
            "http://a.test/",
            "ftp://a.test/",
            "file:///etc/passwd",
            "gopher://a.test/",
            "https://ann:secret@a.test/",
            "https://ann@a.test/",
            "https://a.test:22/",
            "https://a.test:80/",
            "https://a.test:1023/",
            "https://a.test:0/",
            "data:text/plain,x",
        ] {
            let error = pin(&guard, url).await.unwrap_err();
            assert!(matches!(error, EgressError::Refused(_)), "{url}: {error}");
        }
        let long = format!("https://a.test/{}", "x".repeat(URL_BYTES_MAX));
        assert_eq!(pin(&guard, &long).await.unwrap_err(), EgressError::Refused("it is too long"));
    }

    #[tokio::test]
    async fn a_rule_permits_http_any_port_and_any_address_for_its_host_alone() {
        let guard = guard(&[&["10.0.0.1"], &["10.0.0.1"]], &["box.internal:81"]);
        let pinned = pin(&guard, "http://box.internal:81/").await.unwrap();
        assert_eq!(pinned.addresses, vec!["10.0.0.1:81".parse().unwrap()]);
        let other_port = pin(&guard, "http://box.internal:82/").await.unwrap_err();
        assert!(matches!(other_port, EgressError::Refused(_)));
        let other_host = pin(&guard, "https://other.internal/").await.unwrap_err();
        assert!(matches!(other_host, EgressError::ForbiddenAddress { .. }));
        let credentials = pin(&guard, "http://ann:secret@box.internal:81/").await.unwrap_err();
        assert!(matches!(credentials, EgressError::Refused(_)), "no rule permits those");
    }

    #[tokio::test]
    async fn the_machine_s_own_name_is_refused_without_asking_anybody() {
        let strict = guard(&[&["93.184.216.34"]], &[]);
        for host in ["localhost", "LOCALHOST", "localhost.", "a.localhost", "localhost:8443"] {
            let url: Url = format!("https://{host}/x.png").parse().unwrap();
            assert!(matches!(strict.judge_alone(&url), Err(EgressError::ForbiddenAddress { .. })), "{host}");
            assert!(matches!(strict.pin(&url).await, Err(EgressError::ForbiddenAddress { .. })), "{host}");
        }
        for host in ["notlocalhost", "localhost.test"] {
            assert!(strict.judge_alone(&format!("https://{host}/").parse().unwrap()).is_ok(), "{host}");
        }
        let lenient = guard(&[&["127.0.0.1"]], &["localhost"]);
        let url: Url = "http://localhost/".parse().unwrap();
        assert!(lenient.judge_alone(&url).is_ok() && lenient.pin(&url).await.is_ok());
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_says_so() {
        let guard = guard(&[&[]], &[]);
        for _ in 0..2 {
            let error = pin(&guard, "https://nowhere.test/").await.unwrap_err();
            assert_eq!(error, EgressError::Unresolvable { host: "nowhere.test".to_owned() });
        }
    }
}
