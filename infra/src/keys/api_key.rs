//! API keys: made, shown once, kept as a hash.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::crypto;

/// Before every key of the Generor dialect.
const GENEROR: &str = "gnr_live_";
/// Before every key that GenFire's command line gets.
const GENFIRE: &str = "gfa_live_";
/// Characters after Generor's prefix.
const GENEROR_CHARACTERS: usize = 40;
/// Characters after the prefix that are shown in lists.
const SHOWN_CHARACTERS: usize = 8;
/// The longest key that is looked at, in bytes.
const KEY_BYTES_MAX: usize = 200;

/// Which form a new key takes. Any key works on every dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiKeyDialect {
    /// `gnr_live_` and 40 hexadecimal digits.
    Generor,
    /// `gfa_live_<id>.<secret>`.
    GenFireCli,
}

/// A key that was just made. The whole of it is shown once and kept nowhere.
#[derive(Clone)]
pub struct NewApiKey {
    /// The whole key.
    pub secret: Zeroizing<String>,
    /// Its beginning, for lists: `gnr_live_a1b2c3d4`.
    pub prefix: String,
    /// What is kept, see [`hash_api_key`].
    pub hash: String,
}

impl NewApiKey {
    /// A random key of at least 160 bits.
    #[must_use]
    pub fn generate(dialect: ApiKeyDialect) -> Self {
        let secret = match dialect {
            ApiKeyDialect::Generor => format!("{GENEROR}{}", hex::encode(*crypto::random::<20>())),
            ApiKeyDialect::GenFireCli => {
                format!("{GENFIRE}{}.{}", hex::encode(*crypto::random::<8>()), hex::encode(*crypto::random::<24>()))
            }
        };
        let shown = GENEROR.len() + SHOWN_CHARACTERS;
        Self { prefix: secret[..shown].to_owned(), hash: hash_api_key(&secret), secret: Zeroizing::new(secret) }
    }
}

impl std::fmt::Debug for NewApiKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "NewApiKey({}…)", self.prefix)
    }
}

/// Whether a text has the form of a key at all; one that has not need not be looked up.
/// After Generor's prefix any 40 characters of `[0-9a-z]` are accepted.
#[must_use]
pub fn is_api_key(text: &str) -> bool {
    if text.len() > KEY_BYTES_MAX {
        return false;
    }
    if let Some(rest) = text.strip_prefix(GENEROR) {
        let fits = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
        return rest.len() == GENEROR_CHARACTERS && rest.bytes().all(fits);
    }
    let fits = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    let parts = text.strip_prefix(GENFIRE).and_then(|rest| rest.split_once('.'));
    parts.is_some_and(|(id, secret)| fits(id) && fits(secret))
}

/// What is kept of a key: SHA-256 in hexadecimal. Keys are random and long, so there is
/// nothing to guess and no need for a slow hash.
#[must_use]
pub fn hash_api_key(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// Whether two hashes are equal, compared in constant time.
#[must_use]
pub fn same_hash(left: &str, right: &str) -> bool {
    left.as_bytes().ct_eq(right.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_keys_have_the_documented_form() {
        let key = NewApiKey::generate(ApiKeyDialect::Generor);
        assert_eq!(key.secret.len(), "gnr_live_".len() + 40);
        assert!(key.secret["gnr_live_".len()..].bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(key.prefix.len(), "gnr_live_a1b2c3d4".len());
        assert!(key.secret.starts_with(&key.prefix));
        assert!(is_api_key(&key.secret));
        let key = NewApiKey::generate(ApiKeyDialect::GenFireCli);
        assert!(is_api_key(&key.secret) && key.secret.starts_with("gfa_live_"));
        assert!(!key.prefix.contains('.'), "the secret part is not shown");
    }

    #[test]
    fn no_two_keys_are_alike_and_none_is_printed() {
        let (one, other) = (NewApiKey::generate(ApiKeyDialect::Generor), NewApiKey::generate(ApiKeyDialect::Generor));
        assert_ne!(*one.secret, *other.secret);
        assert!(!format!("{one:?}").contains(one.secret.as_str()));
    }

    #[test]
    fn a_key_is_known_by_its_hash() {
        let key = NewApiKey::generate(ApiKeyDialect::Generor);
        assert!(same_hash(&key.hash, &hash_api_key(&key.secret)));
        assert!(!same_hash(&key.hash, &hash_api_key("gnr_live_other")));
        assert!(!same_hash(&key.hash, ""));
        assert_eq!(hash_api_key("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn what_has_not_the_form_is_not_looked_up() {
        assert!(is_api_key(&format!("gnr_live_{}", "z9".repeat(20))));
        let wrong = [
            String::new(),
            "gnr_live_".to_owned(),
            format!("gnr_live_{}", "a".repeat(39)),
            format!("gnr_live_{}", "A".repeat(40)),
            format!("gnr_test_{}", "a".repeat(40)),
            "gfa_live_nodot".to_owned(),
            "gfa_live_.secret".to_owned(),
            "gfa_live_id.se cret".to_owned(),
            format!("gfa_live_id.{}", "s".repeat(300)),
        ];
        for wrong in wrong {
            assert!(!is_api_key(&wrong), "{wrong}");
        }
    }
}
