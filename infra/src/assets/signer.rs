//! Addresses of assets: stable for public ones, signed and short-lived for private ones.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta};
use mintmark_domain::Timestamp;
use url::Url;

use super::AssetKey;
use crate::keys::PurposeKey;

/// How long a signed URL works, in seconds: long enough to look at a page and download its
/// videos, short enough that a URL that was passed on soon stops working.
const LIFETIME_S: i64 = 3600;

/// Makes and checks the addresses of assets.
#[derive(Debug, Clone)]
pub struct UrlSigner {
    key: PurposeKey,
    public_url: Url,
}

/// Why a signed URL is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Its time is over; reading the resource again gives a fresh one.
    #[error("the URL has expired")]
    Expired,
    /// It was not signed by us, or it was altered.
    #[error("the URL's signature is wrong")]
    Wrong,
}

impl UrlSigner {
    /// A signer with the key of [`crate::keys::Purpose::UrlSigning`]; every URL begins with
    /// `public_url`.
    #[must_use]
    pub fn new(key: PurposeKey, public_url: Url) -> Self {
        Self { key, public_url }
    }

    /// The stable address of a public asset.
    #[must_use]
    pub fn public(&self, key: &AssetKey) -> Url {
        let mut url = self.public_url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{key}"));
        url
    }

    /// The address of a private asset, for the next hour.
    #[must_use]
    pub fn signed(&self, key: &AssetKey, now: Timestamp) -> Url {
        self.signed_for(key, now, TimeDelta::seconds(LIFETIME_S))
    }

    /// The address of a private asset, for that long.
    #[must_use]
    pub fn signed_for(&self, key: &AssetKey, now: Timestamp, lifetime: TimeDelta) -> Url {
        let expires = (now + lifetime).timestamp();
        let tag = self.key.mac(&parts(key, &expires.to_be_bytes()));
        let mut url = self.public(key);
        url.query_pairs_mut()
            .append_pair("expires", &expires.to_string())
            .append_pair("signature", &URL_SAFE_NO_PAD.encode(tag));
        url
    }

    /// The address that an upload is put to, until then.
    #[must_use]
    pub fn upload(&self, asset_id: &str, expires: Timestamp) -> Url {
        let expires = expires.timestamp();
        let tag = self.key.mac(&upload_parts(asset_id, &expires.to_be_bytes()));
        let mut url = self.public_url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/v1/uploads/{asset_id}/content"));
        url.query_pairs_mut()
            .append_pair("expires", &expires.to_string())
            .append_pair("signature", &URL_SAFE_NO_PAD.encode(tag));
        url
    }

    /// Checks the two query parameters of an upload's address, in constant time.
    ///
    /// # Errors
    /// [`SignatureError`]; a wrong signature is told before an expired one.
    pub fn verify_upload(
        &self,
        asset_id: &str,
        expires: &str,
        signature: &str,
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        let parts = |seconds: &[u8; 8], tag: &[u8]| self.key.verifies(&upload_parts(asset_id, seconds), tag);
        checked(parts, (expires, signature), now)
    }

    /// Checks the two query parameters of a signed address, in constant time.
    ///
    /// # Errors
    /// [`SignatureError`]; a wrong signature is told before an expired one.
    pub fn verify(&self, key: &AssetKey, expires: &str, signature: &str, now: Timestamp) -> Result<(), SignatureError> {
        let parts = |seconds: &[u8; 8], tag: &[u8]| self.key.verifies(&parts(key, seconds), tag);
        checked(parts, (expires, signature), now)
    }
}

fn checked(
    verifies: impl Fn(&[u8; 8], &[u8]) -> bool,
    (expires, signature): (&str, &str),
    now: Timestamp,
) -> Result<(), SignatureError> {
    let seconds: i64 = expires.parse().map_err(|_| SignatureError::Wrong)?;
    let tag = URL_SAFE_NO_PAD.decode(signature).map_err(|_| SignatureError::Wrong)?;
    if !verifies(&seconds.to_be_bytes(), &tag) {
        return Err(SignatureError::Wrong);
    }
    let expires = DateTime::from_timestamp(seconds, 0).ok_or(SignatureError::Wrong)?;
    if now < expires { Ok(()) } else { Err(SignatureError::Expired) }
}

fn upload_parts<'a>(asset_id: &'a str, expires: &'a [u8; 8]) -> [&'a [u8]; 3] {
    [b"upload url v1", asset_id.as_bytes(), expires]
}

fn parts<'a>(key: &'a AssetKey, expires: &'a [u8; 8]) -> [&'a [u8]; 3] {
    [b"asset url v1", key.as_str().as_bytes(), expires]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{MasterKey, Purpose};

    const NOW: Timestamp = DateTime::from_timestamp(1_700_000_000, 0).unwrap();

    fn signer(master: u8) -> UrlSigner {
        let key = MasterKey::from_bytes([master; 32]).purpose(Purpose::UrlSigning);
        UrlSigner::new(key, "https://mint.test/base/".parse().unwrap())
    }

    fn key(text: &str) -> AssetKey {
        text.parse().unwrap()
    }

    fn parameters(url: &Url) -> (String, String) {
        let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        (value("expires"), value("signature"))
    }

    #[test]
    fn a_public_address_never_changes() {
        let url = signer(1).public(&key("users/7/img/image-42.png"));
        assert_eq!(url.as_str(), "https://mint.test/base/users/7/img/image-42.png");
    }

    #[test]
    fn a_signed_address_works_for_its_asset_and_time_only() {
        let (signer, asset) = (signer(1), key("runs/ab/1/0.png"));
        let (expires, signature) = parameters(&signer.signed(&asset, NOW));
        let check =
            |asset: &AssetKey, expires: &str, signature: &str, now| signer.verify(asset, expires, signature, now);
        assert_eq!(check(&asset, &expires, &signature, NOW), Ok(()));
        let last = NOW + TimeDelta::seconds(LIFETIME_S - 1);
        assert_eq!(check(&asset, &expires, &signature, last), Ok(()));
        let over = NOW + TimeDelta::seconds(LIFETIME_S);
        assert_eq!(check(&asset, &expires, &signature, over), Err(SignatureError::Expired));
        let wrong = Err(SignatureError::Wrong);
        assert_eq!(check(&key("runs/ab/1/1.png"), &expires, &signature, NOW), wrong, "another asset");
        let later = (expires.parse::<i64>().unwrap() + 1).to_string();
        assert_eq!(check(&asset, &later, &signature, NOW), wrong, "a longer life");
        assert_eq!(check(&asset, &expires, "", NOW), wrong);
        assert_eq!(check(&asset, &expires, "!!!", NOW), wrong);
        assert_eq!(check(&asset, "soon", &signature, NOW), wrong);
        assert_eq!(check(&asset, &expires, &signature[1..], NOW), wrong);
    }

    #[test]
    fn another_servers_signature_is_wrong() {
        let asset = key("runs/ab/1/0.png");
        let (expires, signature) = parameters(&signer(2).signed(&asset, NOW));
        assert_eq!(signer(1).verify(&asset, &expires, &signature, NOW), Err(SignatureError::Wrong));
    }

    #[test]
    fn an_address_is_fresh_on_every_read() {
        let (signer, asset) = (signer(1), key("runs/ab/1/0.png"));
        let later = NOW + TimeDelta::seconds(60);
        assert_ne!(signer.signed(&asset, NOW), signer.signed(&asset, later));
    }
}
