//! Absolute addresses: of this server's pages and of files.

use chrono::TimeDelta;
use mintmark_domain::Timestamp;
use mintmark_domain::ports::{Links, OwnAddress, OwnSignature};
use url::Url;

use crate::assets::{AssetKey, SignatureError, UrlSigner};

/// Addresses below `public_url`; those of private files are signed.
#[derive(Debug, Clone)]
pub struct SignedLinks {
    base: String,
    signer: UrlSigner,
}

impl SignedLinks {
    /// Addresses that begin with `public_url`, signed by `signer`.
    #[must_use]
    pub fn new(public_url: &Url, signer: UrlSigner) -> Self {
        SignedLinks { base: public_url.as_str().trim_end_matches('/').to_owned(), signer }
    }

    /// What checks the signatures of private addresses.
    #[must_use]
    pub fn signer(&self) -> &UrlSigner {
        &self.signer
    }
}

impl Links for SignedLinks {
    fn public(&self, key: &str) -> String {
        key.parse().map_or_else(|_| format!("{}/{key}", self.base), |key: AssetKey| self.signer.public(&key).into())
    }

    fn signed(&self, key: &str, now: Timestamp) -> String {
        key.parse()
            .map_or_else(|_| format!("{}/{key}", self.base), |key: AssetKey| self.signer.signed(&key, now).into())
    }

    fn signed_for(&self, key: &str, now: Timestamp, lifetime: TimeDelta) -> String {
        key.parse().map_or_else(
            |_| format!("{}/{key}", self.base),
            |key: AssetKey| self.signer.signed_for(&key, now, lifetime).into(),
        )
    }

    fn page(&self, path: &str) -> String {
        format!("{}/{}", self.base, path.trim_start_matches('/'))
    }

    fn own(&self, url: &str, now: Timestamp) -> Option<OwnAddress> {
        let path = url.strip_prefix(&self.base)?.strip_prefix('/')?;
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let key: AssetKey = path.parse().ok()?;
        let parameter = |name: &str| {
            url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.into_owned())
        };
        let signature = match (parameter("expires"), parameter("signature")) {
            (Some(expires), Some(signature)) => match self.signer.verify(&key, &expires, &signature, now) {
                Ok(()) => OwnSignature::Valid,
                Err(SignatureError::Expired) => OwnSignature::Expired,
                Err(SignatureError::Wrong) => OwnSignature::Wrong,
            },
            (None, None) => OwnSignature::Absent,
            (Some(_), None) | (None, Some(_)) => OwnSignature::Wrong,
        };
        Some(OwnAddress { key: key.as_str().to_owned(), signature })
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::keys::{MasterKey, Purpose};

    const NOW: Timestamp = DateTime::from_timestamp(1_795_000_000, 0).unwrap();

    fn links() -> SignedLinks {
        let url: Url = "http://mint.test:8080".parse().unwrap();
        SignedLinks::new(&url, UrlSigner::new(MasterKey::from_bytes([7; 32]).purpose(Purpose::UrlSigning), url.clone()))
    }

    #[test]
    fn our_own_addresses_are_known_and_what_their_signature_says() {
        let links = links();
        let key = "users/2/img/image-6147.webp";
        let says = |url: &str, at| links.own(url, at).map(|own| (own.key == key, own.signature));
        assert_eq!(says(&links.public(key), NOW), Some((true, OwnSignature::Absent)));
        let signed = links.signed(key, NOW);
        assert_eq!(says(&signed, NOW), Some((true, OwnSignature::Valid)));
        assert_eq!(says(&signed, NOW + TimeDelta::days(1)), Some((true, OwnSignature::Expired)));
        assert_eq!(says(&signed.replace("6147", "6148"), NOW), Some((false, OwnSignature::Wrong)));
        assert_eq!(says("https://elsewhere.test/users/2/img/image-6147.webp", NOW), None);
        assert_eq!(says("http://mint.test:8080.evil.net/users/2/img/image-6147.webp", NOW), None);
        assert_eq!(says("http://mint.test:8080/v1/runs", NOW), None);
    }
}
