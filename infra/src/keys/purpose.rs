//! Keys for one purpose each, derived from the master key.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::KeyError;
use super::crypto::{self, SecretKey};

/// What a derived key is for. The names are frozen: they decide the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Wraps each subject's data key.
    SubjectKeys,
    /// Signs the URLs of private assets.
    UrlSigning,
    /// Hashes email addresses for the directory: equal addresses are found, none is readable.
    EmailIndex,
    /// Seals the secrets of webhook endpoints.
    WebhookSecrets,
    /// Authenticates opaque tokens that clients hold: cursors, log positions, access tokens.
    Tokens,
    /// Seals the hashes of passwords.
    Passwords,
    /// Signs checkpoints of the log.
    Checkpoints,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::SubjectKeys => "subject-keys",
            Self::UrlSigning => "url-signing",
            Self::EmailIndex => "email-index",
            Self::WebhookSecrets => "webhook-secrets",
            Self::Tokens => "tokens",
            Self::Passwords => "passwords",
            Self::Checkpoints => "checkpoints",
        }
    }
}

/// A key for one purpose.
#[derive(Clone)]
pub struct PurposeKey {
    purpose: Purpose,
    key: SecretKey,
}

impl PurposeKey {
    pub(super) fn derive(master: &[u8; crypto::KEY_BYTES], purpose: Purpose) -> Self {
        Self { purpose, key: crypto::derive(master, purpose.name()) }
    }

    /// HMAC-SHA256 over the parts, each with its length before it, so that no two lists of
    /// parts look alike.
    #[must_use]
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.keyed(parts).finalize().into_bytes().into()
    }

    /// Whether `tag` is the [`Self::mac`] of the parts, compared in constant time.
    #[must_use]
    pub fn verifies(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        self.keyed(parts).verify_slice(tag).is_ok()
    }

    /// Encrypts; `bound_to` (an id, say) must be given again to open it.
    #[must_use]
    pub fn seal(&self, bound_to: &[u8], plain: &[u8]) -> Vec<u8> {
        crypto::seal(&self.key, bound_to, plain)
    }

    /// Opens what [`Self::seal`] made.
    ///
    /// # Errors
    /// [`KeyError::DoesNotOpen`].
    pub fn open(&self, bound_to: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        crypto::open(&self.key, bound_to, sealed)
    }

    fn keyed(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.as_slice()).expect("HMAC takes keys of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

impl std::fmt::Debug for PurposeKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "PurposeKey({:?})", self.purpose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_belongs_to_its_parts_and_its_purpose() {
        let master = [9; 32];
        let key = PurposeKey::derive(&master, Purpose::Tokens);
        let tag = key.mac(&[b"ab", b"c"]);
        assert!(key.verifies(&[b"ab", b"c"], &tag));
        assert!(!key.verifies(&[b"a", b"bc"], &tag), "the parts have borders");
        assert!(!key.verifies(&[b"ab", b"c"], &tag[..31]));
        let other = PurposeKey::derive(&master, Purpose::UrlSigning);
        assert!(!other.verifies(&[b"ab", b"c"], &tag));
    }

    #[test]
    fn a_key_is_never_printed() {
        let key = PurposeKey::derive(&[9; 32], Purpose::Tokens);
        assert_eq!(format!("{key:?}"), "PurposeKey(Tokens)");
    }
}
