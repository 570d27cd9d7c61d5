//! The rules of `egress.allow`: the only exceptions from the guard.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// One rule: a host, with or without a port. `provider.internal`, `127.0.0.1:9000`,
/// `[::1]:9000`, `*.corp.internal` (any name below it, not that name itself).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowRule {
    host: HostPattern,
    /// `None`: every port.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostPattern {
    Exactly(Host<String>),
    /// `.corp.internal`, with the leading dot.
    Below(String),
}

/// A rule that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` in egress.allow is not a rule: write a host or host:port, without scheme or path")]
pub struct AllowRuleError(String);

impl AllowRule {
    /// Whether the rule permits this URL's host and port.
    #[must_use]
    pub fn permits(&self, url: &Url) -> bool {
        let port_fits = self.port.is_none_or(|port| url.port_or_known_default() == Some(port));
        let host_fits = match (&self.host, url.host()) {
            (HostPattern::Exactly(wanted), Some(host)) => *wanted == host.to_owned(),
            (HostPattern::Below(suffix), Some(Host::Domain(host))) => host.ends_with(suffix.as_str()),
            (HostPattern::Below(_), Some(Host::Ipv4(_) | Host::Ipv6(_))) | (_, None) => false,
        };
        port_fits && host_fits
    }
}

impl FromStr for AllowRule {
    type Err = AllowRuleError;

    fn from_str(text: &str) -> Result<Self, AllowRuleError> {
        let wrong = || AllowRuleError(text.to_owned());
        // A colon in brackets belongs to an IPv6 address.
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port.parse().map_err(|_| wrong())?)),
            _ => (text, None),
        };
        let (below, name) = match host.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, host),
        };
        if name.is_empty() || name.contains(['/', '@', '*', '?', '#']) {
            return Err(wrong());
        }
        let parsed = Host::parse(name).map_err(|_| wrong())?;
        let host = match (below, parsed) {
            (false, host) => HostPattern::Exactly(host),
            (true, Host::Domain(name)) => HostPattern::Below(format!(".{name}")),
            (true, Host::Ipv4(_) | Host::Ipv6(_)) => return Err(wrong()),
        };
        Ok(Self { host, port })
    }
}

impl fmt::Display for AllowRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            HostPattern::Exactly(host) => write!(formatter, "{host}")?,
            HostPattern::Below(suffix) => write!(formatter, "*{suffix}")?,
        }
        self.port.map_or(Ok(()), |port| write!(formatter, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(rule: &str, url: &str) -> bool {
        rule.parse::<AllowRule>().unwrap().permits(&url.parse().unwrap())
    }

    #[test]
    fn a_rule_names_a_host_and_perhaps_a_port() {
        assert!(permits("provider.internal", "http://provider.internal:9000/x"));
        assert!(permits("provider.internal", "https://PROVIDER.internal/x"));
        assert!(!permits("provider.internal", "http://other.internal/"));
        assert!(!permits("provider.internal", "http://provider.internal.evil.com/"));
        assert!(!permits("provider.internal", "http://evil.com/provider.internal"));
        assert!(!permits("provider.internal", "http://provider.internal@evil.com/"));
        assert!(permits("127.0.0.1:9000", "http://127.0.0.1:9000/"));
        assert!(!permits("127.0.0.1:9000", "http://127.0.0.1:9001/"));
        assert!(permits("127.0.0.1:80", "http://0x7f.1/"), "the same address, written otherwise");
        assert!(permits("[::1]:9000", "http://[::1]:9000/"));
        assert!(permits("[::1]", "http://[0:0::1]/"));
    }

    #[test]
    fn a_star_stands_for_names_below() {
        assert!(permits("*.corp.internal", "https://a.b.corp.internal/"));
        assert!(!permits("*.corp.internal", "https://corp.internal/"));
        assert!(!permits("*.corp.internal", "https://notcorp.internal/"));
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for text in ["", "*", "*.", "http://a.b", "a.b/c", "a b", "a:port", "a:99999", "*.127.0.0.1", "a*b", "u@h"] {
            assert!(text.parse::<AllowRule>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_rule_is_shown_as_it_is_written() {
        for text in ["provider.internal", "127.0.0.1:9000", "[::1]:9000", "*.corp.internal:8443"] {
            assert_eq!(text.parse::<AllowRule>().unwrap().to_string(), text);
        }
    }
}
